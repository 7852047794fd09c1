/** The last day as charts, brought up to date while somebody looks. */
import { useEffect, useRef, useState } from "preact/hooks";
import { size } from "../ui/when.js";
import { Chart, type Line } from "./chart.jsx";
import { Waiting } from "./parts.jsx";
import { get, queryOf, type FiguresAnswer } from "./server.js";
import type { AdminWord } from "../words/admin-en.js";
import { number, t } from "./words.js";

const POLL_MS = 10_000;
const HOUR_MS = 3_600_000;
const SPANS = [1, 6, 24] as const;

type Columns = FiguresAnswer["figures"];
type Value = number | null;

interface Plan {
  readonly title: AdminWord;
  readonly format: (value: number) => string;
  readonly lines: (columns: Columns) => readonly (Line & { readonly word?: AdminWord })[];
  readonly top?: (columns: Columns) => number | undefined;
}

const orUnknown =
  (format: (value: number) => string) =>
  (value: number): string =>
    Number.isNaN(value) ? t("unknown") : format(value);
const perMinute = orUnknown((value) => t("perMinute", { n: number(value, value < 10 ? 1 : 0) }));
const count = orUnknown((value) => number(value, 1));
const whole = orUnknown((value) => number(value));
const milliseconds = orUnknown((seconds) =>
  t("milliseconds", { n: number(seconds * 1_000, seconds < 0.01 ? 1 : 0) }),
);
const bytes = orUnknown(size);
const degrees = orUnknown((value) => t("degrees", { n: number(value) }));
const yesOrNo = orUnknown((value) => (value === 0 ? t("no_") : value === 1 ? t("yes_") : ""));

const one =
  (name: string) =>
  (columns: Columns): readonly Line[] => [{ values: columns[name] ?? [] }];
const difference = (whole: readonly Value[] = [], rest: readonly Value[] = []): readonly Value[] =>
  whole.map((value, index) => {
    const other = rest[index] ?? null;
    return value === null || other === null ? null : value - other;
  });

const PLANS: readonly Plan[] = [
  { title: "chart_events", format: perMinute, lines: one("events") },
  { title: "chart_requests", format: perMinute, lines: one("requests") },
  {
    title: "chart_latency",
    format: milliseconds,
    lines: (columns) => [
      { word: "half", values: columns["latency_p50"] ?? [] },
      { word: "almostAll", values: columns["latency_p99"] ?? [] },
    ],
    top: (columns) => latencyTop(columns["latency_p99"] ?? []),
  },
  { title: "chart_waiting", format: whole, lines: one("waiting_syncs") },
  { title: "chart_memory", format: bytes, lines: one("memory") },
  {
    title: "chart_board",
    format: bytes,
    lines: (columns) => [{ values: difference(columns["board_memory"], columns["board_memory_available"]) }],
    top: (columns) => columns["board_memory"]?.at(-1) ?? undefined,
  },
  {
    title: "chart_disk",
    format: bytes,
    lines: one("disk_used"),
    top: (columns) => (columns["disk_used"]?.at(-1) ?? 0) + (columns["disk_free"]?.at(-1) ?? 0) || undefined,
  },
  { title: "chart_diskFree", format: bytes, lines: one("disk_free") },
  { title: "chart_load", format: count, lines: one("load") },
  { title: "chart_temperature", format: degrees, lines: one("temperature"), top: () => 100 },
  { title: "chart_throttled", format: yesOrNo, lines: one("throttled"), top: () => 1 },
  { title: "chart_broker", format: yesOrNo, lines: one("broker_up"), top: () => 1 },
  { title: "chart_outbox", format: whole, lines: one("outbox_lag") },
  { title: "chart_dead", format: whole, lines: one("dead_letters") },
];

/** In seconds; requests take far less than one. */
function latencyTop(values: readonly Value[]): number {
  const most = Math.max(...values.map((value) => value ?? 0), 0);
  return [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10].find((top) => top >= most) ?? most;
}

export function FiguresSection() {
  const { at, columns, intervalMs, error, retry } = useFigures();
  const [hours, setHours] = useState<number>(24);
  if (at.length === 0) return <Waiting error={error} onRetry={retry} />;
  const isKnown = (plan: Plan) =>
    plan.lines(columns).some(({ values }) => values.some((value) => value !== null));
  const unknown = PLANS.filter((plan) => !isKnown(plan));
  return (
    <section>
      <header class="section-head">
        <h2>{t("figures")}</h2>
        <label class="span">
          <span>{t("span")}</span>
          <select value={hours} onChange={(event) => setHours(Number(event.currentTarget.value))}>
            {SPANS.map((span) => (
              <option key={span} value={span}>
                {t(`span_${span}`)}
              </option>
            ))}
          </select>
        </label>
      </header>
      <div class="charts">
        {PLANS.filter(isKnown).map(({ title, format, lines, top }) => {
          const most = top?.(columns);
          return (
            <Chart
              key={title}
              title={t(title)}
              {...{ at, format }}
              lines={lines(columns).map(({ word, values }) => ({
                values,
                ...(word !== undefined && { label: t(word) }),
              }))}
              spanMs={hours * HOUR_MS}
              gapMs={3 * intervalMs}
              {...(most !== undefined && { top: most })}
            />
          );
        })}
      </div>
      {unknown.length > 0 && (
        <p class="quiet">{t("notKnownHere", { what: unknown.map(({ title }) => t(title)).join(" · ") })}</p>
      )}
    </section>
  );
}

interface Kept {
  readonly at: readonly number[];
  readonly columns: Columns;
  readonly intervalMs: number;
}

const NONE: Kept = { at: [], columns: {}, intervalMs: 60_000 };

/** The day's samples and, as the last one, how things are now. Asks only while the page is seen. */
function useFigures() {
  const [state, setState] = useState<Kept & { readonly error?: unknown }>(NONE);
  const samples = useRef<Kept>(NONE);
  const [round, setRound] = useState(0);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const poll = async () => {
      try {
        const answer = await get<FiguresAnswer>(`/figures${queryOf({ since: samples.current.at.at(-1) })}`);
        if (isOver) return;
        samples.current = joined(samples.current, answer);
        setState(withNow(samples.current, answer));
      } catch (error) {
        if (!isOver) setState((before) => ({ ...before, error }));
      }
      if (!isOver && !document.hidden) timer = setTimeout(() => void poll(), POLL_MS);
    };
    const onVisible = () => {
      clearTimeout(timer);
      if (!document.hidden) void poll();
    };
    document.addEventListener("visibilitychange", onVisible);
    void poll();
    return () => {
      isOver = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [round]);
  return { ...state, retry: () => setRound((it) => it + 1) };
}

/** What is new behind what there was, without what is older than a day. */
function joined(kept: Kept, { at, figures, interval_ms: intervalMs, now }: FiguresAnswer): Kept {
  const times = [...kept.at, ...at];
  const from = times.findIndex((time) => time > now.at - 24 * HOUR_MS);
  const first = from < 0 ? times.length : from;
  const columns = Object.fromEntries(
    Object.entries(figures).map(([name, values]) => [
      name,
      [...(kept.columns[name] ?? []), ...values].slice(first),
    ]),
  );
  return { at: times.slice(first), columns, intervalMs };
}

const withNow = ({ at, columns, intervalMs }: Kept, { now }: FiguresAnswer): Kept => ({
  at: [...at, now.at],
  columns: Object.fromEntries(
    Object.entries(now.figures).map(([name, value]) => [name, [...(columns[name] ?? []), value]]),
  ),
  intervalMs,
});
