/**
 * Whether a board that hangs would restart by itself.
 * Source: systemd-system.conf(5), RuntimeWatchdogSec; kernel driver bcm2835_wdt, whose timer counts to 15 s.
 */
import { sh } from "../../board/script.js";
import { fieldsOf, notApplicable, ok, unknown, warn, type HealthCheck } from "../check.js";

const HINT = "run `imcloud apply` with the playbook `base`";

export const watchdog: HealthCheck = {
  id: "watchdog",
  title: "Watchdog",

  probe: () => sh`
[ -c /dev/watchdog ] || exit 0
echo device=yes
systemctl show -p RuntimeWatchdogUSec
:`,

  judge({ stdout }) {
    const fields = fieldsOf(stdout);
    if (!fields.has("device")) return notApplicable;
    const armed = fields.get("RuntimeWatchdogUSec");
    if (armed === undefined) return unknown("systemd does not say", { hint: HINT });
    if (armed === "0" || armed === "infinity") {
      return warn("off: a board that hangs stays so", { hint: HINT });
    }
    return ok("a board that hangs restarts", { measured: armed });
  },
};
