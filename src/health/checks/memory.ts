/**
 * Memory that programs can still have.
 * Source: proc(5), /proc/meminfo, MemAvailable.
 */
import { sh } from "../../board/script.js";
import { judgeMemory } from "../../shared/board-judgements.js";
import type { HealthCheck } from "../check.js";

export const memory: HealthCheck = {
  id: "memory",
  title: "Memory",
  unit: "ratio",

  probe: () => sh`grep -E '^(MemTotal|MemAvailable):' /proc/meminfo`,

  judge({ stdout }) {
    const kib = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(stdout)?.[1]);
    return judgeMemory(kib("MemTotal"), kib("MemAvailable"));
  },
};
