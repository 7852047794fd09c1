/**
 * How every file of imcloud's gets its content on a board: written beside its place, made durable, then
 * renamed over the old one. After a power cut the path holds the old content or the new, whole.
 *
 * Source: rename(2), fsync(2): the rename is durable once the folder is synced.
 */
import { payloadFile, sh, type Content, type Script } from "../board/script.js";

export interface Attributes {
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
}

export function replaceFile(path: string, content: Content, { mode, owner, group }: Attributes): Script {
  const attributes = sh`
chown ${`${owner}:${group}`} "$new"
chmod ${mode} "$new"`;
  return putInPlace(path, sh`cat ${payloadFile(content)}`, attributes);
}

/** Puts what a command prints of a file in that file's place, with its attributes: for files that are somebody else's too. */
export function rewriteFile(path: string, print: Script): Script {
  const attributes = sh`
chown --reference=${path} "$new"
chmod --reference=${path} "$new"`;
  return putInPlace(path, print, attributes);
}

/** @param attributes gives `$new` its owner and mode */
function putInPlace(path: string, print: Script, attributes: Script): Script {
  const folder = folderOf(path);
  return sh`
${sweepLeftovers(folder)}
new=$(mktemp ${`${folder}/.imcloud.XXXXXXXX`})
trap 'rm -f "$new"' EXIT
${print} > "$new"
${attributes}
sync "$new"
mv -fT "$new" ${path}
sync ${folder}`;
}

/** Half-written files of a run that was killed; only the run that holds the board's lock writes such. */
export const sweepLeftovers = (folder: string): Script =>
  sh`rm -f ${folder === "/" ? "" : folder}/.imcloud.????????`;

/** Brings back the copy that was saved before the change, or removes what was not there before. */
export function restoreFile(path: string): Script {
  return sh`
if [ -e "$IMCLOUD_SAVED/0" ] || [ -L "$IMCLOUD_SAVED/0" ]; then
  [ -d ${folderOf(path)} ] || mkdir -p ${folderOf(path)}
  cp -a "$IMCLOUD_SAVED/0" ${`${path}.imcloud-undo`}
  [ -L ${`${path}.imcloud-undo`} ] || sync ${`${path}.imcloud-undo`}
  mv -fT ${`${path}.imcloud-undo`} ${path}
  sync ${folderOf(path)}
else
  rm -f ${path}
fi`;
}

/** Exits 0 while the file still has that content; null stands for no file. */
export function stillIs(path: string, sha256: string | null): Script {
  return sha256 === null
    ? sh`[ ! -e ${path} ] && [ ! -L ${path} ]`
    : sh`[ "$(sha256sum < ${path})" = ${`${sha256}  -`} ]`;
}

export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
