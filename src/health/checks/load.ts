/**
 * Whether the processors keep up: the load of the last five minutes, a processor.
 * Source: proc(5), /proc/loadavg.
 */
import { sh } from "../../board/script.js";
import { judgeLoad } from "../../shared/board-judgements.js";
import { fieldsOf, type HealthCheck } from "../check.js";

export const load: HealthCheck = {
  id: "load",
  title: "Load",
  unit: "ratio",

  probe: () =>
    sh`printf 'load=%s\ncpus=%s\n' "$(cut -d ' ' -f 2 /proc/loadavg)" "$(getconf _NPROCESSORS_ONLN)"`,

  judge({ stdout }) {
    const fields = fieldsOf(stdout);
    return judgeLoad(Number(fields.get("load")), Number(fields.get("cpus")));
  },
};
