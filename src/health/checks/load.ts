/**
 * Whether the processors keep up: the load of the last five minutes, a processor.
 * Source: proc(5), /proc/loadavg.
 */
import { sh } from "../../board/script.js";
import { fieldsOf, judgeFigure, unknown, type HealthCheck } from "../check.js";

export const load: HealthCheck = {
  id: "load",
  title: "Load",
  unit: "ratio",

  probe: () =>
    sh`printf 'load=%s\ncpus=%s\n' "$(cut -d ' ' -f 2 /proc/loadavg)" "$(getconf _NPROCESSORS_ONLN)"`,

  judge({ stdout }) {
    const fields = fieldsOf(stdout);
    const [average, cpus] = [Number(fields.get("load")), Number(fields.get("cpus"))];
    if (!(average >= 0 && cpus > 0))
      return unknown("the load cannot be read", { hint: "look at /proc/loadavg on the board" });
    return judgeFigure(average / cpus, {
      warning: 1.5,
      critical: 4,
      words: (value) => `${value.toFixed(2)} a processor`,
      summary: "five-minute load",
      hint: "see with `imcloud exec -- top -b -n 1` what runs; move a service to another board",
    });
  },
};
