/** Whether a systemd unit is where it should be. */
import { sh, type Script } from "../../board/script.js";
import { fail, fieldsOf, ok, unknown, warn, type Judgement, type ProbeResult } from "../check.js";

export function serviceProbe(unit: string): Script {
  return sh`systemctl show -p LoadState,ActiveState,SubState,NRestarts,ActiveEnterTimestampMonotonic ${unit}
printf 'uptime=%s\n' "$(cut -d ' ' -f 1 /proc/uptime)"`;
}

const WANTED = "active (running)";
/** Restarts count only while the service is young: the counter never goes back by itself. */
const YOUNG_S = 600;

export function judgeService({ stdout, exitCode }: ProbeResult, unit: string): Judgement {
  const fields = fieldsOf(stdout);
  const state = fields.get("ActiveState");
  const hint = `see \`imcloud exec -- journalctl -u ${unit} -n 50\``;
  if (exitCode !== 0 || state === undefined)
    return unknown("systemd does not answer", { hint: "see whether systemd runs on the board" });
  if (fields.get("LoadState") === "not-found")
    return fail("not installed", { threshold: WANTED, hint: "run `imcloud apply`" });
  const figure = { measured: `${state} (${fields.get("SubState") ?? ""})`, threshold: WANTED };
  if (state === "activating")
    return warn("still starting", { ...figure, hint: "wait a minute and look again" });
  if (state !== "active") return fail("does not run", { ...figure, hint });
  const ageS = Number(fields.get("uptime")) - Number(fields.get("ActiveEnterTimestampMonotonic")) / 1_000_000;
  const restarts = Number(fields.get("NRestarts") ?? 0);
  if (restarts > 0 && ageS < YOUNG_S)
    return warn(
      `restarted itself ${restarts === 1 ? "once" : `${restarts} times`}, last ${Math.round(ageS)} s ago`,
      { ...figure, hint },
    );
  return ok("runs", figure);
}
