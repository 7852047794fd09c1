/**
 * A room of 10,000 messages in a browser on a slow phone: scrolling up through thousands, and a burst of new ones.
 */
import type { Browser, CDPSession, Page } from "playwright-core";
import { openBrowser } from "../web/chromium.js";
import { fillRoom, messageText, say as sayInRoom } from "./browsers/room.js";
import { framesOf, heap, openWindow, PHONE, SLOWER, type Frames } from "./browsers/window.js";
import { measured, percentile, timed, type Bench, type Metric } from "./metric.js";
import { register, startServerProcess, type Account, type ChatServer } from "./server-process.js";
import { sized } from "./trial.js";

const MESSAGES = sized(10_000, 1_000);
/** How many of them are scrolled through. */
const SCROLLED = sized(4_000, 400);
/** After so many the page has compiled what it needs, and holds as many messages as it is going to. */
const WARM = SCROLLED / 10;
/** Of somebody who looks for something, in CSS pixels a second. */
const SPEED = 3_000;
const STROKE = 6_000;
/** Strokes that may move nothing on, before something is wrong. */
const PATIENCE = 5;
const BURST = { perSecond: 50, seconds: sized(10, 4) };
/** A frame that is seen as a jerk, in milliseconds. */
const JERK_MS = 50;

export const timeline: Bench = {
  name: "timeline",
  summary: `scrolling in a room of ${MESSAGES} messages, and a burst of ${BURST.perSecond} a second, on a slowed browser`,

  async run(report, say) {
    await using server = await startServerProcess();
    const people = [await register(server.url, "ann"), await register(server.url, "ben")] as const;
    say(`filling a room with ${MESSAGES} messages`);
    const roomId = await fillRoom(server.url, people, MESSAGES);
    const browser = await openBrowser();
    try {
      await scrolling(browser, server, roomId, report, say);
      await burst(browser, server, roomId, people[1], report, say);
    } finally {
      await browser.close();
    }
  },
};

/** The room on the slowed phone, at its end, at rest. */
async function openRoom(browser: Browser, { url }: ChatServer, roomId: string) {
  const window = await openWindow(browser, url, { ...PHONE, name: "ann" });
  await window.page.goto(`${url}/#/room/${encodeURIComponent(roomId)}`);
  await window.page
    .getByRole("log")
    .getByText(messageText(MESSAGES - 1), { exact: true })
    .waitFor();
  await window.cdp.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
  await stroke(window.cdp, 300);
  await stroke(window.cdp, -300);
  return window;
}

async function scrolling(
  browser: Browser,
  server: ChatServer,
  roomId: string,
  report: (metric: Metric) => void,
  say: (line: string) => void,
): Promise<void> {
  await using window = await openRoom(browser, server, roomId);
  const { page, cdp } = window;
  const before = await heap(cdp);
  let reached = MESSAGES;
  let ms = 0;
  let strokes = 0;
  const scroll = (messages: number) => async () => {
    ms += await timed(async () => {
      while (reached > MESSAGES - messages) {
        await stroke(cdp, STROKE);
        const first = await firstNumber(page);
        strokes += 1;
        if (first === undefined || (strokes > PATIENCE && first >= reached))
          throw new Error(`the conversation stays at message ${reached}`);
        if (first < reached) strokes = 0;
        reached = Math.min(first, reached);
      }
    });
  };
  const begun = await framesOf(window, scroll(WARM));
  const warm = await heap(cdp);
  const rest = await framesOf(window, scroll(SCROLLED));
  const frames = {
    long: [...begun.long, ...rest.long],
    gaps: [...begun.gaps, ...rest.gaps],
    tasks: [...begun.tasks, ...rest.tasks],
  };
  report(
    measured({ bench: "timeline", metric: "messages scrolled through", unit: "1" }, [MESSAGES - reached]),
  );
  report(
    measured({ bench: "timeline", metric: "messages scrolled through a second", unit: "1/s" }, [
      ((MESSAGES - reached) / ms) * 1_000,
    ]),
  );
  reportFrames("scrolling", frames, report, say);
  const after = await heap(cdp);
  report(
    measured(
      {
        bench: "timeline",
        metric: `scrolling, heap after ${SCROLLED} messages / after ${WARM}`,
        unit: "1",
        goal: { atMost: 1.1 },
      },
      [after / warm],
    ),
  );
  report(
    measured({ bench: "timeline", metric: "scrolling, heap after / before", unit: "1" }, [after / before]),
  );
  report(measured({ bench: "timeline", metric: "heap before scrolling", unit: "MB" }, [before]));
}

async function burst(
  browser: Browser,
  { url, ...server }: ChatServer,
  roomId: string,
  sender: Account,
  report: (metric: Metric) => void,
  say: (line: string) => void,
): Promise<void> {
  await using window = await openRoom(browser, { url, ...server }, roomId);
  const { page, cdp } = window;
  await page.evaluate(() => (globalThis as unknown as Watch).bench.watchRows());
  const before = await heap(cdp);
  const count = BURST.perSecond * BURST.seconds;
  const frames = await framesOf(window, async () => {
    const startedAt = performance.now();
    for (let number = 0; number < count; number += 1) {
      const due = startedAt + (number * 1_000) / BURST.perSecond;
      await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
      await sayInRoom(url, sender, roomId, `burst ${number}.`);
    }
    await page
      .getByRole("log")
      .getByText(`burst ${count - 1}.`, { exact: true })
      .waitFor();
  });
  const look = () =>
    page.evaluate(() => {
      const { bench } = globalThis as unknown as Watch;
      return { arrived: bench.arrived, texts: bench.texts() };
    });
  const numbersIn = (texts: readonly string[]) =>
    texts.flatMap((text) => /burst (\d+)\./.exec(text)?.[1] ?? []).map(Number);
  const { arrived, texts } = await look();
  const shown = new Set(numbersIn(arrived)).size;
  const last = numbersIn(texts);
  const isInOrder = last.every((number, index) => number === count - last.length + index);
  report(
    measured({ bench: "timeline", metric: "burst, shown", unit: "1", goal: { atLeast: count } }, [shown]),
  );
  report(
    measured(
      { bench: "timeline", metric: "burst, in order and without a gap", unit: "1", goal: { atLeast: 1 } },
      [Number(isInOrder)],
    ),
  );
  reportFrames("burst", frames, report, say);
  report(
    measured({ bench: "timeline", metric: "burst, heap after / before", unit: "1" }, [
      (await heap(cdp)) / before,
    ]),
  );
}

function reportFrames(
  what: string,
  { long, gaps, tasks }: Frames,
  report: (metric: Metric) => void,
  say: (line: string) => void,
): void {
  for (const frame of long.toSorted((one, other) => other.duration - one.duration).slice(0, 8))
    say(`${what}: a frame of ${frame.duration} ms: ${JSON.stringify(frame)}`);
  const longest = Math.max(0, ...long.map(({ duration }) => duration));
  report(
    measured(
      { bench: "timeline", metric: `${what}, frames above ${JERK_MS} ms`, unit: "1", goal: { atMost: 0 } },
      [long.length],
    ),
  );
  report(
    measured({ bench: "timeline", metric: `${what}, longest frame (0: none above ${JERK_MS})`, unit: "ms" }, [
      longest,
    ]),
  );
  report(
    measured({ bench: "timeline", metric: `${what}, longest task by the processor's clock`, unit: "ms" }, [
      Math.max(0, ...tasks),
    ]),
  );
  report(
    measured({ bench: "timeline", metric: `${what}, between two frames, p99`, unit: "ms" }, [
      percentile(gaps, 0.99),
    ]),
  );
}

interface Watch {
  readonly bench: { watchRows(): void; readonly arrived: readonly string[]; texts(): string[] };
}

/** In CSS pixels: the conversation goes up by as much. */
async function stroke(cdp: CDPSession, distance: number): Promise<void> {
  await cdp.send("Input.synthesizeScrollGesture", {
    x: 200,
    y: 400,
    yDistance: distance,
    speed: SPEED,
    // Not by touch: Playwright's own emulation of it swallows these.
    gestureSourceType: "mouse",
    preventFling: true,
  });
}

/** Of the first message on the page that has one. */
async function firstNumber(page: Page): Promise<number | undefined> {
  const texts = await page.evaluate(() => (globalThis as unknown as Watch).bench.texts());
  const number = texts.flatMap((text) => /^\s*(\d+):/.exec(text)?.[1] ?? [])[0];
  return number === undefined ? undefined : Number(number);
}
