/**
 * From Enter in one browser until the text is on the screen of the other one.
 */
import type { Browser, Page } from "playwright-core";
import { openBrowser } from "../web/chromium.js";
import { openWindow } from "./browsers/window.js";
import { measured, percentile, type Bench } from "./metric.js";
import { callServer, register, startServerProcess, type Account } from "./server-process.js";
import { sized } from "./trial.js";

const MESSAGES = sized(100, 10);
/** Until both have loaded everything that opening a room loads. */
const AT_REST_MS = 2_000;

export const echo: Bench = {
  name: "echo",
  summary: `from Enter in one browser to the other one's screen, ${MESSAGES} messages`,

  async run(report, say) {
    await using server = await startServerProcess();
    const people = [await register(server.url, "ann"), await register(server.url, "ben")] as const;
    const browser = await openBrowser();
    try {
      for (const isEncrypted of [false, true]) {
        const kind = isEncrypted ? "encrypted" : "plain";
        say(`${MESSAGES} ${kind} messages`);
        const times = await say100(browser, server.url, await makeRoom(server.url, people, isEncrypted));
        report(
          measured(
            {
              bench: "echo",
              metric: `${kind}, p50`,
              unit: "ms",
              ...(!isEncrypted && { goal: { atMost: 60 } }),
            },
            [percentile(times, 0.5)],
          ),
        );
        report(measured({ bench: "echo", metric: `${kind}, p95`, unit: "ms" }, [percentile(times, 0.95)]));
      }
    } finally {
      await browser.close();
    }
  },
};

async function makeRoom(url: string, [ann, ben]: readonly [Account, Account], isEncrypted: boolean) {
  const { room_id } = await callServer(url, "POST", "createRoom", ann.token, {
    preset: "public_chat",
    initial_state: isEncrypted
      ? [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }]
      : [],
  });
  await callServer(url, "POST", `rooms/${encodeURIComponent(String(room_id))}/join`, ben.token, {});
  return String(room_id);
}

/** One message after the other. @returns what each took, in milliseconds by the machine's clock */
async function say100(browser: Browser, url: string, roomId: string): Promise<readonly number[]> {
  await using from = await openWindow(browser, url, { name: "ann" });
  await using to = await openWindow(browser, url, { name: "ben" });
  const field = ({ page }: { readonly page: Page }) => page.getByRole("textbox", { name: /^Message to/ });
  for (const window of [from, to]) {
    await window.page.goto(`${url}/#/room/${encodeURIComponent(roomId)}`);
    await field(window).waitFor();
    await window.page.waitForTimeout(AT_REST_MS);
  }
  await from.page.evaluate(() => (globalThis as unknown as Watch).bench.watchEnter());
  await to.page.evaluate(() => (globalThis as unknown as Watch).bench.watchText("echo "));
  const times: number[] = [];
  for (let number = 0; number < MESSAGES; number += 1) {
    const text = `echo ${number}.`;
    await field(from).fill(text);
    await field(from).press("Enter");
    await to.page.waitForFunction(
      (it) => (globalThis as unknown as Watch).bench.shownAt(it) > 0,
      text,
      // Not by frames: looking is not to be in the way of what is looked at.
      { polling: 50, timeout: 20_000 },
    );
    const shownAt = await to.page.evaluate((it) => (globalThis as unknown as Watch).bench.shownAt(it), text);
    const pressedAt = await from.page.evaluate(() => (globalThis as unknown as Watch).bench.pressed.at(-1));
    times.push(shownAt - (pressedAt ?? 0));
  }
  return times;
}

interface Watch {
  readonly bench: {
    watchEnter(): void;
    watchText(mark: string): void;
    shownAt(text: string): number;
    readonly pressed: readonly number[];
  };
}
