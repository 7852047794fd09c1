/**
 * Windows of Chromium for the benches of the pages: signed in without typing, slowed down, and asked what they cost.
 */
import { join } from "node:path";
import type { Browser, BrowserContextOptions, CDPSession, Page } from "playwright-core";
import { packageRoot } from "../../../src/shared/package-root.js";
import { callServer, PASSWORD } from "../server-process.js";

/** Source: Lighthouse 12, "Emulation": a phone of the middle, and how much slower it is than what measures. */
export const PHONE: BrowserContextOptions = {
  viewport: { width: 412, height: 823 },
  deviceScaleFactor: 1.75,
  isMobile: true,
  hasTouch: true,
};
export const SLOWER = 4;

export interface Window extends AsyncDisposable {
  readonly page: Page;
  readonly cdp: CDPSession;
}

export interface WindowOptions extends BrowserContextOptions {
  /** Who is signed in; nobody else. */
  readonly name?: string;
}

/** Nothing is loaded yet; what is, is watched by watch.js. */
export async function openWindow(
  browser: Browser,
  url: string,
  { name, ...options }: WindowOptions,
): Promise<Window> {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  const page = await context.newPage();
  await page.addInitScript({ path: join(packageRoot(), "test", "bench", "browsers", "watch.js") });
  if (name !== undefined) {
    const session = JSON.stringify(await sessionOf(url, name));
    await page.addInitScript({
      content: `localStorage.setItem("imcloud.session", ${JSON.stringify(session)})`,
    });
  }
  const cdp = await context.newCDPSession(page);
  return { page, cdp, [Symbol.asyncDispose]: () => context.close() };
}

/** As src/web/session.ts keeps it. */
async function sessionOf(url: string, user: string) {
  const answer = await callServer(url, "POST", "login", undefined, {
    type: "m.login.password",
    identifier: { type: "m.id.user", user },
    password: PASSWORD,
  });
  return { userId: answer["user_id"], deviceId: answer["device_id"], accessToken: answer["access_token"] };
}

/** What the page's scripts hold after everything that nobody holds is gone, in MB. */
export async function heap(cdp: CDPSession): Promise<number> {
  await cdp.send("HeapProfiler.enable");
  // The second run takes what the first one's finalizers let go.
  for (let run = 0; run < 2; run += 1) await cdp.send("HeapProfiler.collectGarbage");
  const { usedSize } = await cdp.send("Runtime.getHeapUsage");
  return usedSize / 1_000_000;
}

export interface Frames {
  /** Animation frames above 50 ms, as the browser counts them. */
  readonly long: readonly LongFrame[];
  /** Between two frames that were drawn, in milliseconds. */
  readonly gaps: readonly number[];
  /** What the main thread's tasks took of a processor, in milliseconds: what else runs on the machine is not in it. */
  readonly tasks: readonly number[];
}

export interface LongFrame {
  readonly startTime: number;
  readonly duration: number;
  readonly renderStart: number;
  readonly styleAndLayoutStart: number;
  readonly scripts: readonly string[];
}

interface Watch {
  readonly bench: {
    startFrames(): void;
    stopFrames(): Promise<{ frames: LongFrame[]; gaps: number[] }>;
  };
}

/** What the frames took while something was done. */
export async function framesOf({ page, cdp }: Window, work: () => Promise<void>): Promise<Frames> {
  const trace = await startTrace(cdp, ["toplevel", "disabled-by-default-devtools.timeline"]);
  await page.evaluate(() => (globalThis as unknown as Watch).bench.startFrames());
  await work();
  const { frames, gaps } = await page.evaluate(() => (globalThis as unknown as Watch).bench.stopFrames());
  const events = await trace.stop();
  const main = new Set(
    events
      .filter(({ name, args }) => name === "thread_name" && args?.["name"] === "CrRendererMain")
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const tasks = events
    .filter(({ name, pid, tid }) => name === "RunTask" && main.has(`${pid} ${tid}`))
    .map(({ tdur = 0 }) => tdur / 1_000);
  return { long: frames.filter(({ duration }) => duration > 50), gaps, tasks };
}

/** As Chromium writes it; times in microseconds. */
export interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  /** Of the thread's own time. */
  readonly tdur?: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

/** Records what the browser itself does. */
export async function startTrace(cdp: CDPSession, categories: readonly string[]) {
  const events: TraceEvent[] = [];
  cdp.on("Tracing.dataCollected", ({ value }) => void events.push(...(value as unknown as TraceEvent[])));
  await cdp.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: { includedCategories: ["__metadata", ...categories], excludedCategories: ["*"] },
  });
  return {
    stop: async (): Promise<readonly TraceEvent[]> => {
      const ended = new Promise((resolve) => cdp.once("Tracing.tracingComplete", resolve));
      await cdp.send("Tracing.end");
      await ended;
      return events;
    },
  };
}
