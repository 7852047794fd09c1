/**
 * Whether the board knows the time. A board has no battery for its clock: until it has asked somebody, TLS
 * certificates are "not yet valid" and messages come from the past.
 *
 * The operator's clock is the measure: the board's must have stood between asking and hearing the answer.
 */
import { sh } from "../../board/script.js";
import { fail, fieldsOf, ok, unknown, warn, type HealthCheck } from "../check.js";

const TOLERATED_S = 2;
const BROKEN_S = 30;
const HINT = "see with `imcloud exec -- timedatectl` whether a time service runs and reaches its servers";

export const clock: HealthCheck = {
  id: "clock",
  title: "Clock",
  unit: "seconds",

  probe: () => sh`
printf 'now=%s\n' "$(date +%s.%N)"
printf 'synchronized=%s\n' "$(timedatectl show -p NTPSynchronized --value 2>/dev/null || timedatectl 2>/dev/null | sed -n 's/.*synchronized: //p')"
printf 'container=%s\n' "$(tr '\000' '\n' < /proc/1/environ | sed -n 's/^container=//p')"`,

  judge({ stdout }, { askedAt, now }) {
    const fields = fieldsOf(stdout);
    const boardSeconds = Number(fields.get("now"));
    if (!(boardSeconds > 0)) return unknown("the board did not say what time it is", { hint: HINT });
    const offset = outside(boardSeconds, askedAt.getTime() / 1000, now.getTime() / 1000);
    const figure = { measured: `${Math.abs(offset).toFixed(1)} s`, value: Math.abs(offset) };
    const words = `${Math.abs(offset).toFixed(1)} s ${offset < 0 ? "behind" : "ahead of"} this machine`;
    if (Math.abs(offset) >= BROKEN_S)
      return fail(words, { ...figure, threshold: `${BROKEN_S} s`, hint: HINT });
    if (Math.abs(offset) >= TOLERATED_S)
      return warn(words, { ...figure, threshold: `${TOLERATED_S} s`, hint: HINT });
    const isInContainer = (fields.get("container") ?? "") !== "";
    if (!isInContainer && fields.get("synchronized") !== "yes") {
      return warn("not synchronized", { ...figure, threshold: `${TOLERATED_S} s`, hint: HINT });
    }
    return ok(isInContainer ? "its machine's clock" : "synchronized", {
      ...figure,
      threshold: `${BROKEN_S} s`,
    });
  },
};

/** How far a time lies outside a span, in seconds; before it is negative. */
function outside(time: number, from: number, to: number): number {
  return time < from ? time - from : time > to ? time - to : 0;
}
