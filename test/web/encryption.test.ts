/** What is encrypted: two people who verify each other, and a new browser that reads what was said before. */
import { expect, test } from "vitest";
import { qrCodeOf, type QrCode } from "../../src/shared/qr-code.js";
import { callServer } from "../bench/server-process.js";
import { expectAccessible } from "./axe.js";
import {
  accept,
  chatWith,
  conversation,
  enter,
  expectNoTrouble,
  message,
  openBrowser,
  openWindow,
  PASSWORD,
  say,
  sees,
  signIn,
  type Person,
} from "./browser.js";
import { couple } from "./couple.js";
import { openFilming } from "./film.js";

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

/** One chooses emoji, both look, both say that it is the same. */
async function compare(one: Person, other: Person): Promise<void> {
  await one.page.getByRole("button", { name: "Compare emoji" }).click();
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
  await tablet.page.getByText("The device is verified.").last().waitFor();
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
  await phone.page.getByText("The device is verified.").last().waitFor();
  await doubt.waitFor({ state: "detached" });
  await phone.page.getByRole("link", { name: /ann/ }).click();
  await sees(phone, "between the two of us");
  expectNoTrouble(ben, phone);
});

const codeOn = ({ page }: Person) => page.getByRole("img", { name: "Code for the other device" });

/** A new browser of Ben's that asks his other one, which agrees. */
async function askToVerify(phone: Person): Promise<void> {
  const { ben } = people;
  await signIn(phone);
  await phone.page.getByRole("button", { name: "Verify", exact: true }).click();
  await phone.page.getByRole("button", { name: "With another device of mine" }).click();
  await ben.page.getByText("your other device wants to verify.").waitFor();
  await ben.page.getByRole("button", { name: "Accept" }).click();
  await ben.page.getByRole("button", { name: "Compare emoji" }).waitFor();
}

/** Remembers what the page has of cameras. */
const watchCameras = ({ page }: Person) =>
  page.evaluate(() => {
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    const tracks: MediaStreamTrack[] = [];
    Object.assign(globalThis, { tracks });
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      const stream = await open(constraints);
      tracks.push(...stream.getTracks());
      return stream;
    };
  });

const cameras = ({ page }: Person) =>
  page.evaluate(() =>
    (globalThis as unknown as { tracks: MediaStreamTrack[] }).tracks.map(({ readyState }) => readyState),
  );

test("a new browser scans the code of another one of the same person, and both are told", async () => {
  const { server, ann, ben } = people;
  await using filming = await openFilming();
  await using phone = await openWindow(filming.browser, server.url, "ben", {
    viewport: { width: 390, height: 800 },
  });
  await askToVerify(phone);
  await filming.hold(await codeOn(ben).screenshot());
  await watchCameras(phone);
  await expectAccessible(ben.page);
  await phone.page.getByRole("button", { name: "Scan the code there" }).click();
  await phone.page.getByText("The code was scanned. Confirm it on the other device.").waitFor();
  expect(await cameras(phone)).toEqual(["ended"]);
  await ben.page.getByText("Does the other device say that the code was scanned?").waitFor();
  await ben.page.getByRole("button", { name: "Yes" }).click();
  for (const { page } of [phone, ben]) await page.getByText("The device is verified.").last().waitFor();
  await expect.poll(() => phone.page.getByRole("button", { name: "Verify", exact: true }).count()).toBe(0);
  await phone.page.getByRole("link", { name: /ann/ }).click();
  await sees(phone, "between the two of us");
  await say(phone, "from the phone that scanned");
  await sees(ann, "from the phone that scanned");
  expect(
    await message(ann, "from the phone that scanned")
      .getByRole("img", { name: /has not verified/ })
      .count(),
  ).toBe(0);
  expectNoTrouble(ben, phone);
});

test("two people verify each other by a code", async () => {
  const { server, ann } = people;
  await using filming = await openFilming();
  await using cleo = await enter(filming.browser, server.url, "cleo");
  await chatWith(cleo, "ann");
  await accept(ann, "cleo");
  await ann.page.getByRole("button", { name: "People in this chat" }).click();
  await ann.page.getByRole("button", { name: "What to do about cleo" }).click();
  await ann.page.getByRole("menuitem", { name: "Verify" }).click();
  await cleo.page.getByText("ann wants to verify.").waitFor();
  await cleo.page.getByRole("button", { name: "Accept" }).click();
  await filming.hold(await codeOn(ann).screenshot());
  await cleo.page.getByRole("button", { name: "Scan the code there" }).click();
  await ann.page.getByText("Does the other device say that the code was scanned?").waitFor();
  await ann.page.getByRole("button", { name: "Yes" }).click();
  for (const { page } of [ann, cleo]) await page.getByText("Verified.").waitFor();
  expectNoTrouble(ann, cleo);
  await ann.page.getByRole("link", { name: /ben/ }).click();
});

test("a device without a camera shows a code and does not offer to scan one", async () => {
  const { server, ben } = people;
  const other = await openBrowser(undefined, "/no/such.y4m");
  try {
    await using desktop = await openWindow(other, server.url, "ben");
    await askToVerify(desktop);
    await codeOn(desktop).waitFor();
    const scanning = ({ page }: Person) => page.getByRole("button", { name: "Scan the code there" }).count();
    expect([await scanning(desktop), await scanning(ben), await codeOn(ben).count()]).toEqual([0, 1, 0]);
    await ben.page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
    await desktop.page.getByText("The verification was ended.").waitFor();
    expectNoTrouble(ben, desktop);
  } finally {
    await other.close();
  }
});

test("without a camera that may be used the code is shown and emoji are compared; closing gives the camera back", async () => {
  const { server, browser, ben } = people;
  await using phone = await openWindow(browser, server.url, "ben");
  await askToVerify(phone);
  await watchCameras(phone);
  await phone.page.getByRole("button", { name: "Scan the code there" }).click();
  await phone.page.getByLabel("What the camera sees").waitFor();
  await expect.poll(() => cameras(phone)).toEqual(["live"]);
  await phone.page.getByRole("button", { name: "Stop scanning" }).click();
  await expect.poll(() => cameras(phone)).toEqual(["ended"]);

  await phone.page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
  });
  await phone.page.getByRole("button", { name: "Scan the code there" }).click();
  await phone.page.getByText("The browser does not let this page use a camera.").waitFor();
  await codeOn(phone).waitFor();
  await compare(phone, ben);
  await phone.page.getByText("The device is verified.").last().waitFor();
  expectNoTrouble(ben, phone);
});

test("a code for something else is not taken, and no emoji come of a dialog that is closed", async () => {
  const { server, browser, ben } = people;
  await using filming = await openFilming();
  await using phone = await openWindow(filming.browser, server.url, "ben");
  await askToVerify(phone);
  const page = await browser.newPage();
  await page.setContent(drawn(qrCodeOf("https://example.org/")));
  await filming.hold(await page.locator("svg").screenshot());
  await page.close();
  await watchCameras(phone);
  await phone.page.getByRole("button", { name: "Scan the code there" }).click();
  await phone.page.getByText("This is a code for something else.").waitFor();
  expect(await cameras(phone)).toEqual(["live"]);
  await phone.page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  await expect.poll(() => cameras(phone)).toEqual(["ended"]);
  await ben.page.getByText("The verification was ended.").waitFor();
  await ben.page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  expectNoTrouble(ben, phone);
});

function drawn(code: QrCode): string {
  let path = "";
  for (let row = 0; row < code.size; row += 1)
    for (let column = 0; column < code.size; column += 1)
      if (code.isDark(row, column)) path += `M${column + 4} ${row + 4}h1v1h-1z`;
  const side = code.size + 8;
  return `<svg width="400" height="400" viewBox="0 0 ${side} ${side}"><rect width="100%" height="100%" fill="#fff"/><path d="${path}"/></svg>`;
}

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
