/**
 * What loading a page is like, in the five figures that Lighthouse scores.
 */
import { join } from "node:path";
import type { Browser, CDPSession } from "playwright-core";
import { packageRoot } from "../../../src/shared/package-root.js";
import type { Window } from "./window.js";

export interface LoadFigures {
  /** First and largest contentful paint. */
  readonly fcpMs: number;
  readonly lcpMs: number;
  /** Of tasks of the main thread, what was above 50 ms. */
  readonly blockedMs: number;
  /** Cumulative layout shift. */
  readonly shift: number;
  readonly speedIndexMs: number;
}

/** After which nothing more comes of a page that has loaded. */
const AT_REST_MS = 3_000;

interface Load {
  readonly bench: {
    readonly load: {
      fcp: number;
      lcp: number;
      cls: number;
      startedAt: number;
      tasks: { startTime: number; duration: number }[];
    };
  };
}

/** @param load goes to the page */
export async function loadFigures(
  browser: Browser,
  { page, cdp }: Window,
  load: () => Promise<void>,
): Promise<LoadFigures> {
  const pictures = await film(cdp);
  await load();
  await page.waitForTimeout(AT_REST_MS);
  const { fcp, lcp, cls, tasks, startedAt } = await page.evaluate(
    () => (globalThis as unknown as Load).bench.load,
  );
  return {
    fcpMs: fcp,
    lcpMs: lcp,
    blockedMs: tasks
      .filter(({ startTime }) => startTime >= fcp)
      .reduce((sum, { duration }) => sum + Math.max(0, duration - 50), 0),
    shift: cls,
    speedIndexMs: await speedIndex(browser, startedAt, await pictures.stop()),
  };
}

interface Picture {
  /** By the machine's clock. */
  readonly at: number;
  readonly jpeg: string;
}

async function film(cdp: CDPSession) {
  const pictures: Picture[] = [];
  cdp.on("Page.screencastFrame", ({ data, metadata: { timestamp = 0 }, sessionId }) => {
    pictures.push({ at: timestamp * 1_000, jpeg: data });
    // One that is not confirmed is the last one; when the page is gone, so it is.
    cdp.send("Page.screencastFrameAck", { sessionId }).catch(() => undefined);
  });
  await cdp.send("Page.startScreencast", { format: "jpeg", quality: 60, maxWidth: 320, maxHeight: 640 });
  return {
    stop: async (): Promise<readonly Picture[]> => {
      await cdp.send("Page.stopScreencast");
      return pictures;
    },
  };
}

async function speedIndex(
  browser: Browser,
  startedAt: number,
  pictures: readonly Picture[],
): Promise<number> {
  const ofLoad = pictures
    .filter(({ at }) => at >= startedAt)
    .map(({ at, jpeg }) => ({ ms: at - startedAt, jpeg }));
  if (ofLoad.length === 0) throw new Error("there is no picture of the page");
  const page = await browser.newPage();
  try {
    await page.addScriptTag({ path: join(packageRoot(), "test", "bench", "browsers", "speed-index.js") });
    return await page.evaluate(
      (it) => (globalThis as unknown as { speedIndex(all: typeof it): Promise<number> }).speedIndex(it),
      ofLoad,
    );
  } finally {
    await page.close();
  }
}
