/** Whether a service is where it should be: by its systemd unit, and by its port. */
import { sh, type Script } from "../../board/script.js";
import {
  fail,
  fieldsOf,
  ok,
  unknown,
  warn,
  type HealthCheck,
  type Judgement,
  type ProbeResult,
} from "../check.js";
import { portOpen } from "./http-get.js";

type Named = Pick<HealthCheck, "id" | "title" | "playbook">;

/** Whether systemd keeps it running. */
export function serviceCheck(named: Named, unit: string): HealthCheck {
  return { ...named, probe: () => serviceProbe(unit), judge: (result) => judgeService(result, unit) };
}

/** Whether it answers, once its service runs: {@link serviceCheck} of the id `after`. */
export function portCheck(named: Named, port: number, after: string, hint: string): HealthCheck {
  const figure = { measured: `port ${port}`, threshold: "open" };
  return {
    ...named,
    after: [after],
    probe: () => portOpen(port),
    judge: ({ exitCode }) =>
      exitCode === 0
        ? ok("accepts connections", figure)
        : fail("runs, but accepts no connections", { ...figure, hint }),
  };
}

function serviceProbe(unit: string): Script {
  return sh`systemctl show -p LoadState,ActiveState,SubState,NRestarts,ActiveEnterTimestampMonotonic ${unit}
printf 'uptime=%s\n' "$(cut -d ' ' -f 1 /proc/uptime)"`;
}

const WANTED = "active (running)";
/** Restarts count only while the service is young: the counter never goes back by itself. */
const YOUNG_S = 600;

function judgeService({ stdout, exitCode }: ProbeResult, unit: string): Judgement {
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
