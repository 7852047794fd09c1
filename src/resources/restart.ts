/**
 * A restart that is owed.
 *
 * Before a file is replaced that a unit reads at its start, the runner notes the debt below `pending/`; only
 * the restart itself removes it. So a run that is cut off in between, by a lost link, a kill or a power cut,
 * never leaves a service running with settings that its files no longer have.
 */
import { nothing, sh } from "../board/script.js";
import { PENDING } from "../board/state.js";
import type { ChangeDraft, UnitName } from "./resource.js";

/**
 * Restarts a unit if the board still owes it.
 *
 * @param onlyIf what must hold of the unit, else it owes nothing: what is not there has no old settings either.
 *   `left`: it is there, and nothing asks for it any more. As of something that was tried in vain and given up, it may
 *   not even start, which must keep nothing else from its turn.
 */
export function restartDraft(unit: UnitName, onlyIf?: "there" | "running" | "left"): ChangeDraft {
  const isLeft = onlyIf === "left";
  const debt = `${PENDING}/${unit}`;
  const holds =
    onlyIf === "running"
      ? sh`systemctl is-active -q ${unit}`
      : sh`[ "$(systemctl show -p LoadState ${unit})" != LoadState=not-found ]`;
  return {
    kind: "update",
    risk: "restart",
    before: "runs with its old settings",
    after: "restarted",
    apply: sh`
[ -e ${debt} ] || exit 0
systemctl daemon-reload
${onlyIf === undefined ? nothing : sh`${holds} || { rm -f ${debt}; exit 0; }`}
${isLeft ? sh`was=$(systemctl is-active ${unit}) || :` : nothing}
systemctl restart ${unit} || {
  journalctl -n 20 --no-pager -o cat -u ${unit}
  ${isLeft ? sh`[ "$was" = active ] || { rm -f ${debt}; echo ${`${unit} does not start, and nothing asks for it any more`}; exit 0; }` : nothing}
  exit 1
}
rm -f ${debt}`,
  };
}
