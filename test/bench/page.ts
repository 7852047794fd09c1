/**
 * The first load of the page on a slow phone, until somebody can sign in.
 */
import type { Browser } from "playwright-core";
import { openBrowser } from "../web/chromium.js";
import { lighthouseScore } from "./browsers/lighthouse-score.js";
import { loadFigures, type LoadFigures } from "./browsers/load-figures.js";
import { openWindow, PHONE, SLOWER, type Window } from "./browsers/window.js";
import { measured, type Bench } from "./metric.js";
import { startServerProcess } from "./server-process.js";
import { sized } from "./trial.js";

const RUNS = sized(5, 1);
/** Source: Lighthouse 12, "Throttling", its slow 4G as it is applied to a browser's requests. */
const SLOW_4G = {
  offline: false,
  latency: 150 * 3.75,
  downloadThroughput: (1.6 * 1_024 * 1_024 * 0.9) / 8,
  uploadThroughput: (750 * 1_024 * 0.9) / 8,
};

export const page: Bench = {
  name: "page",
  summary: "first load until the sign-in form is usable, on an emulated slow phone",

  async run(report, say) {
    await using server = await startServerProcess();
    const browser = await openBrowser();
    try {
      const bytes = await bytesUntilUsable(browser, server.url);
      report(
        measured({ bench: "page", metric: "bytes until usable", unit: "KB", goal: { atMost: 200 } }, [
          bytes / 1_000,
        ]),
      );
      const runs: LoadFigures[] = [];
      for (let run = 0; run < RUNS; run += 1) {
        say(`load ${run + 1} of ${RUNS}`);
        runs.push(await slowLoad(browser, server.url));
      }
      report(
        measured(
          { bench: "page", metric: "performance score", unit: "1", goal: { atLeast: 95 } },
          runs.map(lighthouseScore),
        ),
      );
      const parts = {
        fcpMs: ["first contentful paint", "ms"],
        lcpMs: ["largest contentful paint", "ms"],
        speedIndexMs: ["speed index", "ms"],
        blockedMs: ["total blocking time", "ms"],
        shift: ["cumulative layout shift", "1"],
      } as const;
      for (const [key, [metric, unit]] of Object.entries(parts))
        report(
          measured(
            { bench: "page", metric, unit },
            runs.map((run) => run[key as keyof LoadFigures]),
          ),
        );
    } finally {
      await browser.close();
    }
  },
};

const load = async ({ page }: Window, url: string): Promise<void> => {
  await page.goto(url);
  await page.getByRole("button", { name: "Sign in" }).waitFor();
};

/** As they come over the wire: compressed, with the answers' heads. */
async function bytesUntilUsable(browser: Browser, url: string): Promise<number> {
  await using window = await openWindow(browser, url, PHONE);
  let bytes = 0;
  await window.cdp.send("Network.enable");
  window.cdp.on("Network.loadingFinished", ({ encodedDataLength }) => void (bytes += encodedDataLength));
  await load(window, url);
  return bytes;
}

async function slowLoad(browser: Browser, url: string): Promise<LoadFigures> {
  await using window = await openWindow(browser, url, PHONE);
  await window.cdp.send("Network.enable");
  await window.cdp.send("Network.emulateNetworkConditions", SLOW_4G);
  await window.cdp.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
  return await loadFigures(browser, window, () => load(window, url));
}
