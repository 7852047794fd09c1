/**
 * What the server counts, in Prometheus' text format.
 *
 * Source: Prometheus documentation, "Exposition formats".
 */
import type { Durations } from "./figures.js";

const BOUNDS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The endpoints that {@link Metrics.durations} leaves out. */
const WAITS = /\/(sync|events|media\/[^"]*)"/;

/** The requests of one endpoint. */
interface Series {
  readonly statuses: Map<number, number>;
  readonly buckets: number[];
  sum: number;
  count: number;
}

/** A value that is asked for when somebody looks. */
export interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter";
  read(): number | Promise<number>;
}

export class Metrics {
  readonly #requests = new Map<string, Series>();
  readonly #gauges: Gauge[] = [];

  /** @param labels of the endpoint, as they stand in the output: one of few, never a text that clients choose */
  request(labels: string, status: number, tookMs: number): void {
    let series = this.#requests.get(labels);
    if (series === undefined) {
      series = { statuses: new Map(), buckets: BOUNDS_SECONDS.map(() => 0), sum: 0, count: 0 };
      this.#requests.set(labels, series);
    }
    series.statuses.set(status, (series.statuses.get(status) ?? 0) + 1);
    const seconds = tookMs / 1000;
    let bucket = 0;
    while (bucket < BOUNDS_SECONDS.length && seconds > (BOUNDS_SECONDS[bucket] ?? 0)) bucket++;
    if (bucket < series.buckets.length) series.buckets[bucket] = (series.buckets[bucket] ?? 0) + 1;
    series.sum += seconds;
    series.count += 1;
  }

  add(gauge: Gauge): void {
    this.#gauges.push(gauge);
  }

  /**
   * How long the requests took so far, without those whose time is not the server's: syncs wait, and files come and go
   * as fast as the client's line.
   */
  durations(): Durations {
    const counts = [...BOUNDS_SECONDS.map(() => 0), 0];
    for (const [labels, { buckets, count }] of this.#requests) {
      if (WAITS.test(labels)) continue;
      let within = 0;
      for (const [index, of] of buckets.entries()) {
        counts[index] = (counts[index] ?? 0) + of;
        within += of;
      }
      counts[buckets.length] = (counts[buckets.length] ?? 0) + count - within;
    }
    return { bounds: BOUNDS_SECONDS, counts };
  }

  async render(): Promise<string> {
    const lines = [
      "# HELP imcloud_requests_total Requests answered.",
      "# TYPE imcloud_requests_total counter",
    ];
    for (const [labels, { statuses }] of this.#requests) {
      for (const [status, count] of statuses)
        lines.push(`imcloud_requests_total{${labels},status="${status}"} ${count}`);
    }
    lines.push(
      "# HELP imcloud_request_seconds Time to the answer; a sync's includes its wait.",
      "# TYPE imcloud_request_seconds histogram",
    );
    for (const [labels, series] of this.#requests) lines.push(...renderSeries(labels, series));
    for (const gauge of this.#gauges) {
      const { name, help, type } = gauge;
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, `${name} ${await gauge.read()}`);
    }
    return `${lines.join("\n")}\n`;
  }
}

function renderSeries(labels: string, { buckets, sum, count }: Series): string[] {
  let upTo = 0;
  const lines = BOUNDS_SECONDS.map((bound, index) => {
    upTo += buckets[index] ?? 0;
    return `imcloud_request_seconds_bucket{${labels},le="${bound}"} ${upTo}`;
  });
  return [
    ...lines,
    `imcloud_request_seconds_bucket{${labels},le="+Inf"} ${count}`,
    `imcloud_request_seconds_sum{${labels}} ${sum}`,
    `imcloud_request_seconds_count{${labels}} ${count}`,
  ];
}
