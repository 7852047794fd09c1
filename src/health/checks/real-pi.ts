/**
 * Whether the board is a Raspberry Pi in the flesh: what all of those have is then unknown when it does not answer,
 * and not absent. A container's hardware is its machine's.
 */
import { sh } from "../../board/script.js";
import { fieldsOf } from "../check.js";

/** Prints `model=` and `container=`. */
export const realPiProbe = () => sh`
for f in /proc/device-tree/model /sys/firmware/devicetree/base/model; do
  [ -r "$f" ] && { printf 'model=%s\n' "$(tr -d '\000' < "$f")"; break; }
done
printf 'container=%s\n' "$(tr '\000' '\n' < /proc/1/environ | sed -n 's/^container=//p')"`;

export function isRealPi(stdout: string): boolean {
  const fields = fieldsOf(stdout);
  return /raspberry pi/i.test(fields.get("model") ?? "") && (fields.get("container") ?? "") === "";
}
