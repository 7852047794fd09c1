/** What is encrypted: two people who verify each other, and a new browser that reads what was said before. */
import { expect, test } from "vitest";
import { callServer } from "../bench/server-process.js";
import {
  conversation,
  expectNoTrouble,
  message,
  openWindow,
  PASSWORD,
  say,
  sees,
  signIn,
  type Person,
} from "./browser.js";
import { couple } from "./couple.js";

const people = couple();

/** A session of Ben's beside the browser's, to look at what the server has. */
async function asBen(): Promise<string> {
  const { access_token: token } = await callServer(people.server.url, "POST", "login", undefined, {
    type: "m.login.password",
    identifier: { type: "m.id.user", user: "ben" },
    password: PASSWORD,
  });
  return String(token);
}

/** The chat of the two, as a path has it. */
async function roomOf(token: string): Promise<string> {
  const { joined_rooms: rooms } = await callServer(people.server.url, "GET", "joined_rooms", token);
  return encodeURIComponent((rooms as readonly string[])[0] ?? "");
}

const emoji = ({ page }: Person) => page.getByRole("dialog").getByRole("listitem").allTextContents();

/** Both look, both say that it is the same. */
async function compare(one: Person, other: Person): Promise<void> {
  const same = ({ page }: Person) => page.getByRole("button", { name: "They are the same" });
  await Promise.all([same(one).waitFor(), same(other).waitFor()]);
  const [mine, theirs] = [await emoji(one), await emoji(other)];
  expect([mine.length, mine]).toEqual([7, theirs]);
  await same(one).click();
  await same(other).click();
}

test("the server sees nothing of what was said", async () => {
  const { server, ann, ben } = people;
  await say(ann, "between the two of us");
  await sees(ben, "between the two of us");
  const token = await asBen();
  const room = await roomOf(token);
  const { chunk } = (await callServer(server.url, "GET", `rooms/${room}/messages?dir=b&limit=1`, token)) as {
    chunk: { type: string; content: object }[];
  };
  expect(chunk[0]?.type).toBe("m.room.encrypted");
  expect(JSON.stringify(chunk)).not.toContain("between the two of us");
});

test("two people verify each other by emoji", async () => {
  const { ann, ben } = people;
  await ann.page.getByRole("button", { name: "People in this chat" }).click();
  await ann.page.getByRole("button", { name: "What to do about ben" }).click();
  await ann.page.getByRole("menuitem", { name: "Verify" }).click();
  await ben.page.getByText("ann wants to verify.").waitFor();
  await ben.page.getByRole("button", { name: "Accept" }).click();
  await compare(ann, ben);
  for (const { page } of [ann, ben]) await page.getByText("Verified.").waitFor();
  expectNoTrouble(ann, ben);
});

test("a new browser reads what was said before with the recovery key, and a wrong one says so", async () => {
  const { server, browser, ann, ben } = people;
  await ben.page.getByRole("button", { name: "Set up" }).click();
  await ben.page.getByRole("button", { name: "Make a recovery key" }).click();
  const key = (await ben.page.getByRole("dialog").locator(".key").textContent()) ?? "";
  expect(key).toMatch(/^(\w{4} ){11}\w{4}$/);
  await ben.page.getByRole("button", { name: "Done" }).click();
  // Keys go to the backup some seconds later.
  const token = await asBen();
  await expect
    .poll(async () => (await callServer(server.url, "GET", "room_keys/version", token))["count"], {
      timeout: 20_000,
    })
    .not.toBe(0);

  await using tablet = await openWindow(browser, server.url, "ben");
  await signIn(tablet);
  await tablet.page.getByRole("link", { name: /ann/ }).click();
  await message(tablet, /cannot be read here/).waitFor();
  await tablet.page.getByRole("button", { name: "Verify", exact: true }).click();
  await tablet.page.getByLabel("Recovery key").fill(`${key.slice(0, -4)}EsTc`);
  await tablet.page.getByRole("button", { name: "With the recovery key" }).click();
  await tablet.page.getByText("This is not the recovery key of this account.").waitFor();
  await tablet.page.getByLabel("Recovery key").fill(key);
  await tablet.page.getByRole("button", { name: "With the recovery key" }).click();
  await tablet.page.getByText("The device is verified.").waitFor();
  await sees(tablet, "between the two of us");
  await say(ann, "to all of your devices");
  await sees(tablet, "to all of your devices");
  expectNoTrouble(ben, tablet);
});

test("a new browser is verified by another one of the same person", async () => {
  const { server, browser, ann, ben } = people;
  await using phone = await openWindow(browser, server.url, "ben", { viewport: { width: 390, height: 800 } });
  await signIn(phone);
  await phone.page.getByRole("link", { name: /ann/ }).click();
  await say(phone, "from a new phone");
  await sees(ann, "from a new phone");
  const doubt = message(ann, "from a new phone").getByRole("img", { name: /owner has not verified/ });
  await doubt.waitFor();
  await phone.page.goBack();
  await phone.page.getByRole("button", { name: "Verify", exact: true }).click();
  await phone.page.getByRole("button", { name: "With another device of mine" }).click();
  await ben.page.getByText("your other device wants to verify.").waitFor();
  await ben.page.getByRole("button", { name: "Accept" }).click();
  await compare(phone, ben);
  await phone.page.getByText("The device is verified.").waitFor();
  await doubt.waitFor({ state: "detached" });
  await phone.page.getByRole("link", { name: /ann/ }).click();
  await sees(phone, "between the two of us");
  expectNoTrouble(ben, phone);
});

test("what comes unencrypted into an encrypted chat is marked", async () => {
  const { server, ann, ben } = people;
  expect(await conversation(ann.page).getByRole("img", { name: "Not encrypted" }).count()).toBe(0);
  const token = await asBen();
  const room = await roomOf(token);
  await callServer(server.url, "PUT", `rooms/${room}/send/m.room.message/clear`, token, {
    msgtype: "m.text",
    body: "for everybody on the way",
  });
  for (const person of [ann, ben])
    await message(person, "for everybody on the way").getByRole("img", { name: "Not encrypted" }).waitFor();
});
