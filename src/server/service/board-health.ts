/**
 * What the server makes of itself and its board. What `imcloud health` looks at too has the same names, thresholds and
 * words; it looks from outside, at more, and also when the server is down.
 */
import { readFileSync } from "node:fs";
import {
  judgeCertificate,
  judgeFullness,
  judgeLoad,
  judgeMemory,
  judgePower,
  judgeTemperature,
  judgeThrottling,
  RENEW_BY_ACME,
  RENEW_BY_APPLY,
} from "../../shared/board-judgements.js";
import {
  fail,
  judgeFigure,
  notApplicable,
  ok,
  unknown,
  warn,
  type Judgement,
} from "../../shared/judgement.js";
import type { ServerConfig } from "../../shared/server-config.js";
import type { BoardFigures } from "../runtime/board.js";

export interface OutboxFigures {
  /** Not confirmed by the broker yet. */
  readonly events: number;
  /** Refused by it for good. */
  readonly deadLetters: number;
}

/** A finding as {@link Judgement}, without what the board has nothing of. */
export interface Finding extends Judgement {
  /** Stable: monitoring refers to it. */
  readonly check: string;
  readonly title: string;
  readonly verdict: Exclude<Judgement["verdict"], "not-applicable">;
  /** Of {@link Judgement.value}. */
  readonly unit?: string;
}

export interface Looked {
  readonly config: Pick<ServerConfig, "store" | "listeners" | "acme">;
  readonly board: BoardFigures;
  /** What keeps the store from taking writes. */
  readonly storeTrouble: string | undefined;
  /** Absent where no event leaves the process; its outbox is undefined when the store does not tell. */
  readonly bus:
    { readonly trouble: string | undefined; readonly outbox: OutboxFigures | undefined } | undefined;
}

interface Check {
  readonly check: string;
  readonly title: string;
  readonly unit?: string;
  readonly judge: (looked: Looked, now: Date) => Judgement;
}

const LOG_HINT = "see `imcloud exec -- journalctl -u imcloud-server.service -n 50`";

const CHECKS: readonly Check[] = [
  {
    check: "store",
    title: "Store",
    judge: ({ storeTrouble }) =>
      storeTrouble === undefined ? ok("takes writes") : fail(storeTrouble, { hint: LOG_HINT }),
  },
  { check: "disk-space", title: "Disk space", unit: "ratio", judge: ({ board }) => judgeDisk(board) },
  {
    check: "memory",
    title: "Memory",
    unit: "ratio",
    judge: ({ board: { memoryBytes = NaN, memoryAvailableBytes = NaN } }) =>
      judgeMemory(memoryBytes / 1_024, memoryAvailableBytes / 1_024),
  },
  {
    check: "load",
    title: "Load",
    unit: "ratio",
    judge: ({ board: { load = NaN, processors } }) => judgeLoad(load, processors),
  },
  { check: "broker", title: "Broker", judge: ({ bus }) => judgeBroker(bus) },
  { check: "outbox", title: "Outbox", unit: "events", judge: ({ bus }) => judgeOutbox(bus) },
  { check: "certificate", title: "Certificate", unit: "days", judge: judgeTls },
  { check: "clock", title: "Clock", judge: ({ board }) => judgeClock(board) },
  {
    check: "temperature",
    title: "Temperature",
    unit: "celsius",
    judge: ({ board: { temperatureC, power } }) => judgeTemperature(temperatureC, power.isPi),
  },
  { check: "power", title: "Power supply", judge: ({ board }) => judgePower(board.power) },
  { check: "throttling", title: "Throttling", judge: ({ board }) => judgeThrottling(board.power) },
];

export function findingsOf(looked: Looked, now: Date): Finding[] {
  return CHECKS.flatMap(({ check, title, unit, judge }) => {
    const { verdict, ...judgement } = judge(looked, now);
    if (verdict === "not-applicable") return [];
    const hasUnit = unit !== undefined && judgement.value !== undefined;
    return [{ check, title, verdict, ...judgement, ...(hasUnit && { unit }) }];
  });
}

function judgeDisk({ diskUsedBytes, diskFreeBytes }: BoardFigures): Judgement {
  if (diskUsedBytes === undefined || diskFreeBytes === undefined || diskUsedBytes + diskFreeBytes <= 0)
    return unknown("the disk does not tell its size", { hint: "look at `df` on the board" });
  return judgeFullness(diskUsedBytes / (diskUsedBytes + diskFreeBytes), "the disk with the server's data");
}

function judgeBroker(bus: Looked["bus"]): Judgement {
  if (bus === undefined) return notApplicable;
  if (bus.trouble === undefined) return ok("connected");
  return fail(`people chat on; what they say waits for the broker: ${bus.trouble}`, {
    hint: "see with `imcloud health` whether the broker runs",
  });
}

function judgeOutbox(bus: Looked["bus"]): Judgement {
  if (bus === undefined) return notApplicable;
  const { outbox } = bus;
  if (outbox === undefined) return unknown("the store does not answer", { hint: LOG_HINT });
  const { events, deadLetters } = outbox;
  const judgement = judgeFigure(events, {
    warning: 1_000,
    critical: 100_000,
    words: (value) => `${value} events`,
    summary: "not confirmed by the broker yet",
    hint: "see with `imcloud health` whether the broker runs and keeps up",
  });
  if (deadLetters === 0 || judgement.verdict === "critical") return judgement;
  return warn(`the broker refused ${deadLetters} events for good`, {
    measured: `${deadLetters} events`,
    value: deadLetters,
    threshold: "1 event",
    hint: `${LOG_HINT}: it has the broker's reason`,
  });
}

function judgeTls({ config: { listeners, acme } }: Looked, now: Date): Judgement {
  const file = listeners.find(({ tls }) => tls !== undefined)?.tls?.certFile;
  // Behind a proxy there is none.
  if (file === undefined) return notApplicable;
  const hint = acme === undefined ? RENEW_BY_APPLY : RENEW_BY_ACME;
  try {
    return judgeCertificate(readFileSync(file, "utf8"), now, hint);
  } catch (error) {
    return fail(`it cannot be read: ${error instanceof Error ? error.message : String(error)}`, { hint });
  }
}

function judgeClock({ isContainer, isClockSynchronized }: BoardFigures): Judgement {
  if (isContainer) return ok("its machine's clock");
  if (isClockSynchronized === true) return ok("synchronized");
  const hint = "see with `imcloud exec -- timedatectl` whether a time service runs and reaches its servers";
  return isClockSynchronized === false
    ? warn("not synchronized", { hint })
    : unknown("no time service tells the server", { hint });
}
