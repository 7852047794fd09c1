/**
 * A program on the board that goes by a file of settings: the file is replaced and the program started anew; taken
 * back, the program stops, gets its old settings and starts with them, or stays stopped where there were none.
 */
import { createHash } from "node:crypto";
import { lines, sh, type Script } from "../board/script.js";
import { replaceFile } from "./replace-file.js";
import type { ChangeDraft } from "./resource.js";

export interface Program {
  /** Takes `start` and `stop`, each safe to run twice. */
  readonly path: string;
  readonly settings: string;
}

/** How the program is brought to these settings, and back. */
export function withSettings(
  { path, settings }: Program,
  text: string,
): Pick<ChangeDraft, "saves" | "apply" | "undo"> {
  return {
    saves: [settings],
    apply: lines([
      replaceFile(settings, text, { mode: "0644", owner: "root", group: "root" }),
      sh`${path} start`,
    ]),
    undo: sh`
[ ! -x ${path} ] || [ ! -e ${settings} ] || ${path} stop
if [ -e "$IMCLOUD_SAVED/0" ]; then
  cp -a "$IMCLOUD_SAVED/0" ${`${settings}.imcloud-undo`}
  sync ${`${settings}.imcloud-undo`}
  mv -fT ${`${settings}.imcloud-undo`} ${settings}
  [ ! -x ${path} ] || ${path} start
else
  rm -f ${settings}
fi`,
  };
}

/** Prints `settings|SHA-256  -`, or nothing where there are none. */
export const probeSettings = ({ settings }: Program): Script =>
  sh`[ ! -e ${settings} ] || printf 'settings|%s\n' "$(sha256sum < ${settings})"`;

/** @param printed what stands behind `settings|` */
export const areSettings = (printed: string | undefined, text: string): boolean =>
  printed?.slice(0, 64) === createHash("sha256").update(text).digest("hex");
