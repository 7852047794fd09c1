/** Services of the system that gave up. Those that imcloud deploys have checks of their own. */
import { sh } from "../../board/script.js";
import { ok, unknown, warn, type HealthCheck } from "../check.js";

const OWN = ["rabbitmq-server.service", "kafka.service", "imcloud-server.service", "coturn.service"];

export const failedUnits: HealthCheck = {
  id: "failed-units",
  title: "Other services",
  unit: "count",

  probe: () => sh`systemctl list-units --state=failed --no-legend --plain --all`,

  judge({ stdout, exitCode }) {
    if (exitCode !== 0)
      return unknown("systemd does not answer", { hint: "see whether systemd runs on the board" });
    const failed = stdout
      .split("\n")
      .flatMap((line) => /^(\S+\.\w+)\s/.exec(line)?.[1] ?? [])
      .filter((unit) => !OWN.includes(unit));
    const figure = { measured: `${failed.length} failed`, value: failed.length, threshold: "1 failed" };
    if (failed.length === 0) return ok("none failed", figure);
    return warn(`failed: ${failed.join(", ")}`, {
      ...figure,
      hint: `see \`imcloud exec -- systemctl status ${failed[0] ?? ""}\``,
    });
  },
};
