/**
 * Going back: one managed thing (prune), all of them (destroy), or a run (rollback).
 *
 * What is needed for it lies on the board, compiled when the change was made: the laptop that made it may be
 * gone.
 */
import { sh } from "../board/script.js";
import { MANAGED, RUNS } from "../board/state.js";
import { ledgerFolder, type Step } from "./compile.js";
import type { ManagedEntry } from "./types.js";

/** The deepest first, as the runner noted them; one that is not empty any more is somebody else's too. */
const removeMadeFolders = sh`[ ! -e "$IMCLOUD_SAVED/made" ] || while IFS= read -r folder; do rmdir "$folder" 2> /dev/null || :; done < "$IMCLOUD_SAVED/made"`;

/** Brings a managed thing back to what it was before imcloud, and forgets it. */
export function revertStep({ id }: ManagedEntry): Step {
  const folder = `${MANAGED}/${ledgerFolder(id)}`;
  return {
    title: `revert ${id}`,
    apply: sh`
[ -e ${folder}/undo ] || exit 0
IMCLOUD_SAVED=${folder}
export IMCLOUD_SAVED
sh -eu ${folder}/undo
${removeMadeFolders}
[ ! -e ${folder}/notifies ] || { systemctl daemon-reload; xargs -r systemctl try-restart < ${folder}/notifies; }`,
    forget: id,
  };
}

/** Everything in the ledger, the youngest first. */
export function revertAll(
  managed: readonly ManagedEntry[],
  { withData }: { withData: boolean },
): readonly Step[] {
  return managed
    .filter(({ isData }) => withData || !isData)
    .toSorted((one, other) => (one.since < other.since ? 1 : -1))
    .map(revertStep);
}

/** Undoes the steps of one run, the last first; units that read what changed read it again. Safe to run twice. */
export function rollbackStep(run: string): Step {
  return {
    title: `roll back run ${run}`,
    apply: sh`
for step in $(ls -1d ${RUNS}/${run}/steps/*/ 2>/dev/null | sort -r); do
  [ -e "$step/undo" ] && [ ! -e "$step/kept" ] || continue
  printf 'undo of: %s\n' "$(cat "$step/title")"
  IMCLOUD_SAVED=$step
  export IMCLOUD_SAVED
  sh -eu "$step/undo"
  ${removeMadeFolders}
done
systemctl daemon-reload
cat ${RUNS}/${run}/steps/*/notifies 2> /dev/null | sort -u | xargs -r systemctl try-restart`,
  };
}
