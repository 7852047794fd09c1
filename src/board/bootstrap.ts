/**
 * The one command that imcloud ever starts on a board by name.
 *
 * A script streamed into a shell is dangerous: a cut link leaves the shell executing half a line, and a
 * child that reads its standard input eats the rest of the script. So the command is this constant: it takes
 * length, SHA-256 and a tar archive from standard input into a private folder, verifies them, and only then
 * runs the archive's `main` with no standard input at all.
 *
 * It needs sh, mktemp, head, sha256sum, tar (all from packages that Debian marks essential) and /run.
 */
import { createHash } from "node:crypto";
import { pack } from "tar-stream";
import { quote, type Content, type Script } from "./script.js";
import { Secret } from "../shared/secret.js";

/** Printed when the shell has become root and waits for the payload, so that nothing is sent too early. */
export const READY = "imcloud-ready";

/** Exit codes that only the bootstrap uses, each together with its word on stderr. */
export const BOOTSTRAP_FAILURES: Readonly<Record<number, string>> = {
  94: "imcloud: no private folder below /run",
  96: "imcloud: payload damaged",
  97: "imcloud: payload not unpacked",
};

const BOOTSTRAP = [
  "umask 077",
  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C",
  "export PATH LC_ALL",
  `mkdir -p /run/imcloud&&d=$(mktemp -d /run/imcloud/p.XXXXXXXX)||{ echo "${BOOTSTRAP_FAILURES[94]}">&2;exit 94;}`,
  `trap 'rm -rf "$d"' EXIT`,
  "trap 'exit 95' HUP INT TERM PIPE",
  `echo ${READY}`,
  `read -r n h&&head -c "$n">"$d/t"&&[ "$(sha256sum<"$d/t")" = "$h  -" ]||{ echo "${BOOTSTRAP_FAILURES[96]}">&2;exit 96;}`,
  `mkdir "$d/w"&&tar -xf "$d/t" -C "$d/w"&&rm "$d/t"||{ echo "${BOOTSTRAP_FAILURES[97]}">&2;exit 97;}`,
  "IMCLOUD_DIR=$d/w IMCLOUD_FILES=$d/w/files",
  "export IMCLOUD_DIR IMCLOUD_FILES",
  `cd /;sh "$d/w/main"</dev/null`,
].join(";");

/** What sudo prints when it wants the password; chosen so that nobody else prints it. */
export const SUDO_PROMPT = "imcloud-wants-the-sudo-password";

/**
 * The command line for a login.
 *
 * @param login `root` runs the bootstrap itself, `sudo` asks sudo never to prompt, `sudo-password` lets it
 *   ask on stderr and read from stdin. `-k` is not given: a cached ticket only means that no prompt comes.
 */
export function bootstrapCommand(login: "root" | "sudo" | "sudo-password"): string {
  const shell = `sh -c ${quote(BOOTSTRAP)}`;
  if (login === "root") return shell;
  return login === "sudo" ? `sudo -n -- ${shell}` : `sudo -S -p ${SUDO_PROMPT} -- ${shell}`;
}

/** A script and its files as the bytes that the bootstrap expects on its standard input. */
export async function packPayload(script: Script): Promise<{ header: string; body: Buffer }> {
  const archive = pack();
  const add = (name: string, content: Content): void => {
    archive.entry({ name, mode: 0o600, mtime: new Date(0) }, bytesOf(content));
  };
  add("main", script.text);
  archive.entry({ name: "files", type: "directory", mode: 0o700, mtime: new Date(0) });
  for (const [name, content] of script.files) add(`files/${name}`, content);
  archive.finalize();

  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return { header: `${body.length} ${createHash("sha256").update(body).digest("hex")}\n`, body };
}

function bytesOf(content: Content): Buffer {
  return Buffer.from(content instanceof Secret ? content.reveal() : content);
}
