/**
 * Whether the power supply holds, and whether the firmware slows the cores.
 *
 * Below about 4.63 V the firmware slows the cores; what users report is "chat is slow". Where there is no
 * `vcgencmd`, the kernel's own sensor tells about under-voltage.
 * Sources: Raspberry Pi documentation, `vcgencmd get_throttled`; kernel driver raspberrypi-hwmon.
 */
import { sh } from "../../board/script.js";
import { fail, fieldsOf, notApplicable, ok, unknown, warn, type HealthCheck } from "../check.js";
import { isRealPi, realPiProbe } from "./real-pi.js";

const UNDER_VOLTAGE = 1 << 0;
const SLOWED = (1 << 1) | (1 << 2) | (1 << 3);
/** The same bits, since boot. */
const SINCE_BOOT = 16;
const SUPPLY_HINT = "use a 5.1 V / 3 A supply and a short cable; power SSDs from a hub";
const NO_FIRMWARE_HINT =
  "install the package that has `vcgencmd`: raspi-utils, or libraspberrypi-bin on older systems";

const flagsProbe = () => sh`
${realPiProbe()}
vcgencmd get_throttled
for d in /sys/class/hwmon/hwmon*/; do
  [ "$(cat "$d/name" 2>/dev/null)" = rpi_volt ] && printf 'alarm=%s\n' "$(cat "$d/in0_lcrit_alarm")"
done
:`;

interface Answer {
  readonly isPi: boolean;
  readonly flags: number | undefined;
  /** The kernel's sensor; it remembers until the next boot. */
  readonly alarm: string | undefined;
}

function parse(stdout: string): Answer {
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

  judge({ stdout }) {
    const { isPi, flags, alarm } = parse(stdout);
    if (!isPi) return notApplicable;
    if (flags === undefined && alarm !== undefined) {
      return alarm === "0"
        ? ok("no under-voltage since boot")
        : warn("under-voltage since boot; clears at the next boot", { hint: SUPPLY_HINT });
    }
    // Not being able to look is not health.
    if (flags === undefined) return unknown("the firmware gave no flags", { hint: NO_FIRMWARE_HINT });
    const measured = `0x${flags.toString(16)}`;
    if ((flags & UNDER_VOLTAGE) !== 0) return fail("under-voltage now", { measured, hint: SUPPLY_HINT });
    if (((flags >> SINCE_BOOT) & UNDER_VOLTAGE) !== 0) {
      return warn("under-voltage since boot; clears at the next boot", { measured, hint: SUPPLY_HINT });
    }
    return ok("no under-voltage since boot", { measured });
  },
};

export const throttling: HealthCheck = {
  id: "throttling",
  title: "Throttling",
  after: ["power", "temperature"],

  probe: flagsProbe,

  judge({ stdout }) {
    const { isPi, flags } = parse(stdout);
    if (!isPi) return notApplicable;
    if (flags === undefined) return unknown("the firmware gave no flags", { hint: NO_FIRMWARE_HINT });
    const measured = `0x${flags.toString(16)}`;
    if ((flags & SLOWED) !== 0)
      return fail("the firmware slows the processors now", { measured, hint: "see to power and cooling" });
    if (((flags >> SINCE_BOOT) & SLOWED) !== 0) {
      return warn("the processors were slowed since boot; clears at the next boot", {
        measured,
        hint: "see to power and cooling",
      });
    }
    return ok("full speed since boot", { measured });
  },
};
