/**
 * The clock of a board that has none.
 *
 * A Raspberry Pi before the 5 keeps no time without power. Until a time service has reached its source the board
 * lives in the past, where certificates are not valid yet and apt refuses what the archive has signed. So a
 * board that is far behind and not synchronised gets the operator's time before anything else.
 */
import { sh } from "../board/script.js";
import type { Step } from "./compile.js";
import type { BoardState } from "./types.js";

/** Certificates start a day back; a minute matters to nobody but tells a clock that stood still from a drift. */
const FAR_BEHIND_S = 60;

/**
 * @param nowS the operator's clock, in seconds since 1970
 * @returns the step that sets the clock, or nothing when it is good enough, ahead, or synchronised
 */
export function clockStep({ clock }: BoardState, nowS: number): readonly Step[] {
  if (clock === undefined || clock.synchronized || nowS - clock.epochS <= FAR_BEHIND_S) return [];
  const behind = nowS - clock.epochS;
  return [
    {
      title: `set the clock, which is ${behind} s behind and not synchronised`,
      // Setting it twice would set it back by what passed in between.
      apply: sh`
if [ "$(date +%s)" -lt ${nowS} ]; then date -u -s ${`@${nowS}`}; fi`,
    },
  ];
}
