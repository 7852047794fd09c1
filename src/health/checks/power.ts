/**
 * Whether the power supply holds, and whether the firmware slows the cores.
 *
 * Below about 4.63 V the firmware slows the cores; what users report is "chat is slow". Where there is no
 * `vcgencmd`, the kernel's own sensor tells about under-voltage.
 * Sources: Raspberry Pi documentation, `vcgencmd get_throttled`; kernel driver raspberrypi-hwmon.
 */
import { sh } from "../../board/script.js";
import { judgePower, judgeThrottling, type PowerFlags } from "../../shared/board-judgements.js";
import { fieldsOf, type HealthCheck } from "../check.js";
import { isRealPi, realPiProbe } from "./real-pi.js";

const flagsProbe = () => sh`
${realPiProbe()}
vcgencmd get_throttled
for d in /sys/class/hwmon/hwmon*/; do
  [ "$(cat "$d/name" 2>/dev/null)" = rpi_volt ] && printf 'alarm=%s\n' "$(cat "$d/in0_lcrit_alarm")"
done
:`;

function parse(stdout: string): PowerFlags {
  const fields = fieldsOf(stdout);
  const flags = /^0x[0-9a-f]+$/i.exec(fields.get("throttled")?.trim() ?? "")?.[0];
  return {
    isPi: isRealPi(stdout),
    flags: flags === undefined ? undefined : Number(flags),
    alarm: fields.get("alarm"),
  };
}

export const power: HealthCheck = {
  id: "power",
  title: "Power supply",

  probe: flagsProbe,

  judge: ({ stdout }) => judgePower(parse(stdout)),
};

export const throttling: HealthCheck = {
  id: "throttling",
  title: "Throttling",
  after: ["power", "temperature"],

  probe: flagsProbe,

  judge: ({ stdout }) => judgeThrottling(parse(stdout)),
};
