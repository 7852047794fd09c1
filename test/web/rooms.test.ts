/** Rooms of all kinds, who may do what in them, searching, one's own settings, and people without an account. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Browser } from "playwright-core";
import { startServerProcess, type ServerProcess } from "../bench/server-process.js";
import {
  accept,
  composer,
  conversation,
  expectNoTrouble,
  message,
  openBrowser,
  openWindow,
  PASSWORD,
  say,
  sees,
  signUp,
  type Person,
} from "./browser.js";

const TOKEN = "come-in-please";
const folder = mkdtempSync(join(tmpdir(), "imcloud-web-"));
writeFileSync(join(folder, "token"), TOKEN, { mode: 0o600 });

let server: ServerProcess;
let browser: Browser;
let teacher: Person;
let pupil: Person;
beforeAll(async () => {
  server = await startServerProcess({ registration: { mode: "token", tokenFile: join(folder, "token") } });
  browser = await openBrowser();
  [teacher, pupil] = await Promise.all([joinAs("teacher"), joinAs("pupil")]);
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** By the link of an invitation. */
async function joinAs(name: string): Promise<Person> {
  const person = await openWindow(browser, `${server.url}/#/join/${TOKEN}`, name);
  await person.page.getByRole("heading", { name: "You are invited" }).waitFor();
  await signUp(person);
  return person;
}

async function makeRoom({ page }: Person, name: string, kind: string): Promise<void> {
  await page.getByRole("button", { name: "New chat" }).click();
  await page.getByLabel("Name of the room").fill(name);
  await page.getByRole("radio", { name: new RegExp(`^${kind}`) }).check();
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("heading", { name, level: 1 }).waitFor();
}

test("what goes wrong while signing in is said, and the form stays", async () => {
  await using stranger = await openWindow(browser, server.url, "stranger");
  const { page } = stranger;
  const trouble = page.getByRole("alert");
  await page.getByLabel("Name", { exact: true }).fill("teacher");
  await page.getByLabel("Password", { exact: true }).fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect.poll(() => trouble.textContent()).toBe("Name or password is wrong.");
  await page.getByRole("button", { name: "I have an invitation" }).click();
  const fill = async (token: string, name: string, again = PASSWORD) => {
    await page.getByLabel("Invitation code").fill(token);
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByLabel("Password, once more").fill(again);
    await page.getByRole("button", { name: "Create account" }).click();
  };
  await fill(TOKEN, "stranger", "other");
  await expect.poll(() => trouble.textContent()).toBe("The two passwords are not the same.");
  await fill("no-such-token", "stranger");
  await expect.poll(() => trouble.textContent()).toMatch(/not valid any more/);
  await fill(TOKEN, "teacher");
  await expect.poll(() => trouble.textContent()).toBe("That name is taken. Choose another.");
  await fill(TOKEN, "Not A Name");
  await expect.poll(() => trouble.textContent()).toMatch(/^A name has lower-case letters/);
  expectNoTrouble(stranger);
});

test("a class: people raise hands, and are called on in turn", async () => {
  await makeRoom(teacher, "Class 4b", "A class");
  await teacher.page.getByRole("button", { name: "People in this chat" }).click();
  await teacher.page.getByLabel("Invite").fill("pupil");
  await teacher.page.getByRole("button", { name: /@pupil:/ }).click();
  await accept(pupil, "Class 4b");
  await pupil.page.getByRole("button", { name: "Raise a hand" }).click();
  await teacher.page.getByText("Hands up: pupil").waitFor();
  await teacher.page.getByRole("button", { name: "Call on pupil" }).click();
  await sees(pupil, "pupil, it is your turn.");
  await pupil.page.getByRole("button", { name: "Lower the hand" }).click();
  await teacher.page.getByText("Hands up: pupil").waitFor({ state: "detached" });
  expectNoTrouble(teacher, pupil);
});

test("roles: a moderator is made, and somebody is removed and comes back", async () => {
  const actions = teacher.page.getByRole("button", { name: "What to do about pupil" });
  await actions.click();
  await teacher.page.getByRole("menuitem", { name: "Make a moderator" }).click();
  await pupil.page.getByRole("button", { name: "People in this chat" }).click();
  await pupil.page.getByRole("complementary").getByText("moderator", { exact: true }).waitFor();
  await actions.click();
  await teacher.page.getByRole("menuitem", { name: "Remove" }).click();
  await teacher.page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await pupil.page.getByRole("link", { name: /Class 4b/ }).waitFor({ state: "detached" });
  expectNoTrouble(teacher, pupil);
});

test("announcements: everybody may join and read, and cannot write", async () => {
  await makeRoom(teacher, "School news", "Announcements");
  await say(teacher, "No lessons on Friday");
  await pupil.page.getByRole("button", { name: "New chat" }).click();
  await pupil.page.getByRole("button", { name: /School news/ }).click();
  await sees(pupil, "No lessons on Friday");
  await pupil.page.getByText("Only some people may write here.").waitFor();
  await message(pupil, "No lessons on Friday").hover();
  expect(await composer(pupil.page).count()).toBe(0);
  expectNoTrouble(teacher, pupil);
});

test("a room's name, topic and rules are changed, and the others see it", async () => {
  await makeRoom(teacher, "Readers", "Open to everybody");
  await pupil.page.getByRole("button", { name: "New chat" }).click();
  await pupil.page.getByRole("button", { name: /Readers/ }).click();
  await composer(pupil.page).waitFor();
  await teacher.page.getByRole("button", { name: "About this chat" }).click();
  const panel = teacher.page.getByRole("complementary");
  await panel.getByLabel("Name of the room").fill("读书会");
  await panel.getByLabel("Topic").fill("Monday, 8 o'clock");
  await panel.getByRole("button", { name: "Save" }).click();
  await pupil.page.getByRole("heading", { name: "读书会", level: 1 }).waitFor();
  await pupil.page.getByText("Monday, 8 o'clock", { exact: true }).first().waitFor();
  await panel.getByLabel("Who may write").selectOption("some");
  await pupil.page.getByText("Only some people may write here.").waitFor();
  await panel.getByLabel("Who may write").selectOption("all");
  await composer(pupil.page).waitFor();
  await panel.getByLabel("Mute").click();
  await teacher.page.getByRole("link", { name: /读书会.*Muted/ }).waitFor();
  expectNoTrouble(teacher, pupil);
});

test("search finds words, Chinese ones too, and leads to the message", async () => {
  await say(pupil, "明天下午三点在图书馆见面");
  await sees(teacher, "明天下午三点在图书馆见面");
  for (let n = 1; n <= 60; n += 1) if (n % 20 === 0) await say(pupil, `filler ${n}`);
  await teacher.page.getByRole("button", { name: "Search messages" }).click();
  await teacher.page.getByLabel("Words to look for").fill("图书馆");
  // Words are indexed a moment after they were said.
  await expect
    .poll(
      async () => {
        await teacher.page.getByRole("main").getByRole("button", { name: "Search" }).click();
        return teacher.page.getByRole("link", { name: /图书馆见面/ }).count();
      },
      { timeout: 30_000, interval: 1_000 },
    )
    .toBeGreaterThan(0);
  await teacher.page
    .getByRole("main")
    .getByRole("link", { name: /图书馆见面/ })
    .click();
  await sees(teacher, "明天下午三点在图书馆见面");
  await conversation(teacher.page).locator(".is-sought").waitFor();
  await say(pupil, "and what is said after a jump");
  await sees(teacher, "and what is said after a jump");
  expectNoTrouble(teacher);
});

test("one's own name, language, theme and password are changed; a device is signed out", async () => {
  const { page } = pupil;
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByLabel("Display name").fill("Li Wei 李伟");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved").waitFor();
  await page.getByLabel("Theme").selectOption("dark");
  expect(await page.evaluate(() => document.documentElement.dataset["theme"])).toBe("dark");
  await page.getByLabel("Language").selectOption("zh");
  await page.getByRole("heading", { name: "设置", level: 1 }).waitFor();
  expect(await page.evaluate(() => document.documentElement.lang)).toBe("zh");
  await page.getByLabel("语言").selectOption("en");
  await page.getByLabel("Password now").fill("wrong");
  await page.getByLabel("New password").fill("another horse");
  await page.getByRole("button", { name: "Change the password" }).click();
  await page.getByText(/The password is wrong/).waitFor();
  await page.getByLabel("Password now").fill(PASSWORD);
  await page.getByRole("button", { name: "Change the password" }).click();
  await page.getByText("Saved").last().waitFor();

  await using other = await openWindow(browser, server.url, "pupil");
  await other.page.getByLabel("Name", { exact: true }).fill("pupil");
  await other.page.getByLabel("Password", { exact: true }).fill("another horse");
  await other.page.getByRole("button", { name: "Sign in" }).click();
  await other.page.getByRole("navigation", { name: "Chats" }).waitFor();
  await page.reload();
  const devices = page.getByRole("listitem").filter({ has: page.getByRole("button", { name: "Sign out" }) });
  await devices.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("dialog").getByLabel("Password", { exact: true }).fill("another horse");
  await page.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
  await other.page.getByText("You were signed out").waitFor();
  await other.page.getByRole("button", { name: "Sign in" }).waitFor();
  expectNoTrouble(pupil, other);
});

test("a guest opens a link, says who they are, and chats with the shop alone", async () => {
  await using guest = await openWindow(
    browser,
    `${server.url}/#/guest/${TOKEN}/${encodeURIComponent("@teacher:hs1")}`,
    "Mrs Chen",
  );
  await guest.page.getByLabel("Your name").fill("Mrs Chen");
  await guest.page.getByRole("button", { name: "Start the chat" }).click();
  await composer(guest.page).waitFor();
  await say(guest, "Do you have it in blue?");
  expect(await guest.page.getByRole("navigation", { name: "Chats" }).count()).toBe(0);
  await teacher.page.goto(`${server.url}/#/`);
  await accept(teacher, "Mrs Chen");
  await sees(teacher, "Do you have it in blue?");
  await say(teacher, "We do");
  await sees(guest, "We do");
  await guest.page.reload();
  await sees(guest, "We do");
  expectNoTrouble(guest, teacher);
});

test("signing out leaves nothing of the chat in the browser", async () => {
  await using ann = await joinAs("ann").then(async (person) => {
    await person.page.getByRole("button", { name: "Settings" }).click();
    return person;
  });
  await ann.page.getByRole("button", { name: "Sign out", exact: true }).click();
  await ann.page.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
  await ann.page.getByRole("button", { name: "Sign in" }).waitFor();
  const left = await ann.page.evaluate(async () => ({
    local: Object.keys(localStorage),
    databases: (await indexedDB.databases()).map(({ name }) => name),
  }));
  expect(left).toEqual({ local: [], databases: [] });
  const { page } = ann;
  await page.getByLabel("Name", { exact: true }).fill("ann");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Chats" }).waitFor();
  expectNoTrouble(ann);
});
