/**
 * Going back: one managed thing (prune), all of them (destroy), or a run (rollback).
 *
 * What is needed for it lies on the board, compiled when the change was made: the laptop that made it may be
 * gone.
 */
import { sh } from "../board/script.js";
import { MANAGED, PENDING, RUNS } from "../board/state.js";
import { COPYING_S } from "../resources/resource.js";
import { ledgerFolder, type Step } from "./compile.js";
import type { ManagedEntry } from "./types.js";

/** The deepest first, as the runner noted them; one that is not empty any more is somebody else's too. */
const removeMadeFolders = sh`[ ! -e "$IMCLOUD_SAVED/made" ] || while IFS= read -r folder; do rmdir "$folder" 2> /dev/null || :; done < "$IMCLOUD_SAVED/made"`;

/** Brings a managed thing back to what it was before imcloud, and forgets it. Undos know by `$IMCLOUD_WITH_DATA` whether data goes. */
export function revertStep({ id }: ManagedEntry, withData = false): Step {
  const folder = `${MANAGED}/${ledgerFolder(id)}`;
  return {
    title: `revert ${id}`,
    apply: sh`
[ -e ${folder}/undo ] || exit 0
IMCLOUD_SAVED=${folder} IMCLOUD_WITH_DATA=${withData ? "yes" : "no"}
export IMCLOUD_SAVED IMCLOUD_WITH_DATA
sh -eu ${folder}/undo
${removeMadeFolders}
if [ -e ${folder}/notifies ]; then
  mkdir -p ${PENDING}
  while IFS= read -r unit; do : > ${PENDING}/"$unit"; done < ${folder}/notifies
fi`,
    withinS: COPYING_S,
    forget: id,
    unlessData: !withData,
  };
}

/** After reverts: units that still run read what is left of their files, once each; the others owe nothing. */
export const settleStep: Step = {
  title: "restart what still runs",
  apply: sh`
systemctl daemon-reload
for debt in ${PENDING}/*; do
  [ -e "$debt" ] || continue
  if systemctl is-active -q "\${debt##*/}"; then systemctl restart "\${debt##*/}"; fi
  rm -f "$debt"
done`,
};

/** Everything in the ledger, the youngest first. */
export function revertAll(
  managed: readonly ManagedEntry[],
  { withData }: { withData: boolean },
): readonly Step[] {
  const steps = managed
    .filter(({ isData }) => withData || !isData)
    .toSorted((one, other) => (one.since < other.since ? 1 : -1))
    .map((entry) => revertStep(entry, withData));
  return steps.length === 0 ? [] : [...steps, settleStep];
}

/** How the title of {@link rollbackStep} begins; the run's name follows. */
export const ROLLED_BACK = "roll back run ";

/**
 * Undoes the steps of one run, the last first; units that read what changed read it again. Safe to run twice.
 *
 * @param options `mustBeThere`: fails when the board keeps no such run, instead of doing nothing
 */
export function rollbackStep(run: string, { mustBeThere = false } = {}): Step {
  return {
    title: `${ROLLED_BACK}${run}`,
    apply: sh`
if ${mustBeThere} && [ ! -d ${`${RUNS}/${run}`} ]; then echo ${`the board keeps no run ${run}; it keeps:`}; ls -1 ${RUNS}; exit 1; fi
failed=0
for step in $(ls -1d ${RUNS}/${run}/steps/*/ 2>/dev/null | sort -r); do
  [ -e "$step/undo" ] && [ ! -e "$step/kept" ] || continue
  printf 'undo of: %s\n' "$(cat "$step/title")"
  IMCLOUD_SAVED=$step
  export IMCLOUD_SAVED
  sh -eu "$step/undo" || { failed=1; echo "this could not be undone; going on with the others"; }
  ${removeMadeFolders}
done
systemctl daemon-reload
cat ${RUNS}/${run}/steps/*/notifies 2> /dev/null | sort -u | while IFS= read -r unit; do
  if systemctl is-active -q "$unit"; then systemctl restart "$unit"; fi
  rm -f ${PENDING}/"$unit"
done
exit "$failed"`,
    withinS: COPYING_S,
  };
}
