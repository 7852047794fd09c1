/** Whether an update waits for a reboot. Source: Debian policy, /run/reboot-required. */
import { sh } from "../../board/script.js";
import { ok, warn, type HealthCheck } from "../check.js";

export const reboot: HealthCheck = {
  id: "reboot",
  title: "Reboot",

  probe: () => sh`
if [ -e /run/reboot-required ]; then echo required; sort -u /run/reboot-required.pkgs 2> /dev/null; fi
:`,

  judge({ stdout }) {
    const [first, ...packages] = stdout.trim().split("\n");
    if (first !== "required") return ok("none pending", { measured: "none", threshold: "1 pending" });
    const why = packages.length === 0 ? "" : ` for ${packages.join(", ")}`;
    return warn(`pending${why}`, {
      measured: "1 pending",
      threshold: "1 pending",
      hint: "reboot the board when nobody minds: `imcloud exec -- systemctl reboot`",
    });
  },
};
