/**
 * Memory that programs can still have.
 * Source: proc(5), /proc/meminfo, MemAvailable.
 */
import { sh } from "../../board/script.js";
import { judgeFigure, percent, unknown, type HealthCheck } from "../check.js";

export const memory: HealthCheck = {
  id: "memory",
  title: "Memory",
  unit: "ratio",

  probe: () => sh`grep -E '^(MemTotal|MemAvailable):' /proc/meminfo`,

  judge({ stdout }) {
    const kib = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(stdout)?.[1]);
    const [total, available] = [kib("MemTotal"), kib("MemAvailable")];
    if (!(total > 0 && available >= 0))
      return unknown("the memory cannot be read", { hint: "look at /proc/meminfo on the board" });
    return judgeFigure(1 - available / total, {
      warning: 0.9,
      critical: 0.96,
      words: percent,
      summary: `${Math.round(available / 1024)} MiB of ${Math.round(total / 1024)} MiB available`,
      hint: "see with `imcloud exec -- ps -eo rss,comm --sort=-rss` who has it",
    });
  },
};
