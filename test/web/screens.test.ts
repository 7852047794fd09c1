/**
 * Every screen, light and dark, on a desktop and on a phone, in English and in Chinese: accessible as far as axe can see,
 * and nothing wider than the screen. With `IMCLOUD_SCREENS=FOLDER` each is kept there as a picture.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { PASSWORD, startServerProcess, type ServerProcess } from "../bench/server-process.js";
import { expectAccessible, obstacles } from "./axe.js";
import { composer, expectNoTrouble, openBrowser, openWindow, type Person, sees, signUp } from "./browser.js";
import { furnish, type Furnished } from "./furnished.js";

const FOLDER = process.env["IMCLOUD_SCREENS"] ?? "";
const DEVICES: Readonly<Record<string, BrowserContextOptions>> = {
  desktop: { viewport: { width: 1_280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
};
const LANGUAGES = ["en", "zh"] as const;
/** All else is the same in the dark, and in every language. */
const OF_COLOURS = ["color-contrast"];
const OF_WORDS = ["html-has-lang", "html-lang-valid", "button-name", "link-name", "label", "image-alt"];
const THEMES = ["light", "dark"] as const;

let server: ServerProcess;
let browser: Browser;
let there: Furnished;
beforeAll(async () => {
  if (FOLDER !== "") await mkdir(FOLDER, { recursive: true });
  server = await startServerProcess();
  [browser, there] = [await openBrowser(), await furnish(server.url)];
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
});

/** A screen: how it is reached from wherever one is, whatever the language. */
interface Screen {
  readonly name: string;
  readonly hash: string;
  /** What is there once the screen is. */
  readonly shows: string;
  readonly open?: (page: Page) => Promise<void>;
}

const roomHash = (...parts: readonly string[]): string =>
  `#/room/${[there.garden, ...parts].map(encodeURIComponent).join("/")}`;
const fromMenu = (index: number) => async (page: Page) => {
  await page.locator(".view .composer .menu > button").click();
  await page.getByRole("menuitem").nth(index).click();
};

const signedOut = (): readonly Screen[] => [
  { name: "sign-in", hash: "#/", shows: ".sign-in" },
  { name: "invitation", hash: "#/join/TOKEN", shows: ".sign-in small" },
  { name: "guest", hash: "#/guest/TOKEN/@ann:hs1", shows: ".sign-in input[name=name]" },
];

const signedIn = (): readonly Screen[] => [
  { name: "list", hash: "#/", shows: ".room-line" },
  { name: "conversation", hash: roomHash(), shows: ".poll progress" },
  { name: "class", hash: `#/room/${encodeURIComponent(there.school)}`, shows: ".hands" },
  { name: "invited", hash: `#/room/${encodeURIComponent(there.invitation)}`, shows: ".notice .avatar" },
  { name: "thread", hash: roomHash("thread", there.thread), shows: ".panel .message" },
  { name: "members", hash: roomHash("members"), shows: ".panel .members li" },
  { name: "room-settings", hash: roomHash("settings"), shows: ".panel select" },
  { name: "room-search", hash: roomHash("search"), shows: ".panel form", open: search },
  { name: "search", hash: "#/search", shows: ".page form", open: search },
  { name: "new-chat", hash: "#/new", shows: ".page fieldset" },
  { name: "settings", hash: "#/settings", shows: ".page section .avatar" },
  { name: "message-menu", hash: roomHash(), shows: ".poll progress", open: messageMenu },
  { name: "poll-form", hash: roomHash(), shows: ".poll progress", open: fromMenu(1) },
  { name: "emoji", hash: roomHash(), shows: ".poll progress", open: fromMenu(2) },
  {
    name: "trust",
    hash: roomHash(),
    shows: ".bar button",
    open: (page) => page.locator(".bar button").first().click(),
  },
];

async function search(page: Page): Promise<void> {
  await page.locator("input[name=term]").fill("water");
  await page.locator("input[name=term]").press("Enter");
  await page.locator(".found li").first().waitFor();
}

async function messageMenu(page: Page): Promise<void> {
  const last = page.locator(".view .message").last();
  await last.hover();
  await last.locator(".menu > button").click();
  await page.getByRole("menu").waitFor();
}

/** Opens it, looks at it in both themes, and closes what it has opened. @returns what is wrong with it */
async function look(person: Person, screen: Screen, kind: string): Promise<readonly string[]> {
  const { page } = person;
  const trouble: string[] = [];
  await page.evaluate((hash) => (location.hash = hash), screen.hash);
  await page.locator(screen.shows).first().waitFor();
  await screen.open?.(page);
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    const where = `${screen.name} ${kind} ${theme}`;
    const found = await obstacles(
      page,
      theme === "dark" ? OF_COLOURS : kind.includes("en") ? undefined : OF_WORDS,
    );
    trouble.push(...found.map((it) => `${where}: ${it}`));
    if (theme === "light") trouble.push(...(await tooWide(page)).map((it) => `${where}: ${it}`));
    if (FOLDER !== "") await page.screenshot({ path: join(FOLDER, `${where.replaceAll(" ", "-")}.png`) });
  }
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  return trouble;
}

const tooWide = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [document.documentElement, ...document.querySelectorAll(".scroll, .timeline, dialog[open]")]
      .filter((it) => it.scrollWidth > it.clientWidth + 1)
      .map((it) => `${it.tagName}.${it.className} is ${it.scrollWidth} wide in ${it.clientWidth}`),
  );

/** Another language is that of another load. */
async function speak({ page }: Person, language: string): Promise<void> {
  await page.evaluate((it) => localStorage.setItem("imcloud.language", it), language);
  await page.reload();
}

async function signInBy(person: Person): Promise<void> {
  const { page } = person;
  await page.locator("input[name=user]").fill(person.name);
  await page.locator("input[name=password]").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await page.locator(".room-line").first().waitFor();
}

describe.each(Object.entries(DEVICES))("on a %s", (device, options) => {
  test("the screens before somebody signs in", async () => {
    await using nobody = await openWindow(browser, server.url, "nobody", options);
    const trouble: string[] = [];
    for (const language of LANGUAGES) {
      await speak(nobody, language);
      for (const screen of signedOut())
        trouble.push(...(await look(nobody, screen, `${device} ${language}`)));
    }
    expect(trouble).toEqual([]);
    expectNoTrouble(nobody);
  });

  test("the screens of the chat", async () => {
    await using ann = await openWindow(browser, server.url, "ann", options);
    await signInBy(ann);
    const trouble: string[] = [];
    for (const language of LANGUAGES) {
      await speak(ann, language);
      await ann.page.locator(".bar").waitFor();
      for (const screen of signedIn()) trouble.push(...(await look(ann, screen, `${device} ${language}`)));
    }
    expect(trouble).toEqual([]);
    expectNoTrouble(ann);
  });
});

test("a list with nothing in it", async () => {
  await using zoe = await openWindow(browser, server.url, "zoe", DEVICES["phone"]);
  await signUp(zoe);
  const screen = { name: "empty", hash: "#/", shows: ".rooms .scroll .quiet" };
  expect(await look(zoe, screen, "phone en")).toEqual([]);
  expectNoTrouble(zoe);
});

test("the keyboard alone signs in, opens a chat, writes, opens a message's menu and comes back", async () => {
  await using tom = await openWindow(browser, server.url, "tom", DEVICES["desktop"]);
  const { page } = tom;
  const press = async (key: string, times = 1) => {
    for (let time = 0; time < times; time += 1) await page.keyboard.press(key);
  };
  /** Goes on until something has the focus, and sees that where it is can be seen. */
  const tabTo = async (selector: string, key = "Tab") => {
    for (let step = 0; step < 60; step += 1) {
      await press(key);
      const { isThere, isSeen } = await page.evaluate((wanted) => {
        const focused = document.activeElement;
        const { outlineStyle, outlineWidth } =
          focused === null ? { outlineStyle: "none", outlineWidth: "0px" } : getComputedStyle(focused);
        return {
          isThere: focused?.matches(wanted) === true,
          isSeen: outlineStyle !== "none" && outlineWidth !== "0px",
        };
      }, selector);
      if (!isThere) continue;
      expect({ selector, isSeen }).toEqual({ selector, isSeen: true });
      return;
    }
    throw new Error(`${selector} is not reached by ${key}`);
  };
  await tabTo("input[name=user]");
  await page.keyboard.type("tom");
  await tabTo("input[name=password]");
  await page.keyboard.type(PASSWORD);
  await press("Enter");
  await page.locator(".room-line").first().waitFor();
  await tabTo(".room-line");
  await press("Enter");
  await composer(page).waitFor();
  if (!(await composer(page).evaluate((it) => it === document.activeElement)))
    await tabTo(".composer textarea");
  await page.keyboard.type("written without a mouse");
  await press("Enter");
  await sees(tom, "written without a mouse");
  await page.locator(".message:last-child .stamp").last().waitFor();
  await tabTo(".message .menu > button", "Shift+Tab");
  await press("Enter");
  await page.getByRole("menu").waitFor();
  await press("ArrowDown");
  await press("Escape");
  await page.getByRole("menu").waitFor({ state: "detached" });
  await tabTo(".composer textarea");
  await expectAccessible(page);
  expectNoTrouble(tom);
});
