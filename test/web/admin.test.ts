/** A day of an administrator, in a browser. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Browser, Page } from "playwright-core";
import { callServer, startServerProcess, type ServerProcess } from "../bench/server-process.js";
import { dialog, go, makeAccount, openAdmin, operate } from "./administrator.js";
import { expectAccessible } from "./axe.js";
import { expectNoTrouble, openBrowser, openWindow, PASSWORD, type Person } from "./browser.js";

let server: ServerProcess;
let browser: Browser;
let boss: Person;
let page: Page;
beforeAll(async () => {
  server = await startServerProcess({ registration: { mode: "token" }, limits: { passwordMinimum: 8 } });
  browser = await openBrowser();
  await makeAccount(server, "boss", true);
  boss = await openAdmin(browser, server, "boss");
  page = boss.page;
});
afterAll(async () => {
  await boss[Symbol.asyncDispose]();
  await browser.close();
  await server[Symbol.asyncDispose]();
});

// What one test left open does not stand in the way of the next.
beforeEach(async () => {
  await page.reload();
});

/** @throws Error when the server refuses */
async function logIn(name: string, password = PASSWORD): Promise<{ token: string; deviceId: string }> {
  const answer = await callServer(server.url, "POST", "login", undefined, {
    type: "m.login.password",
    identifier: { type: "m.id.user", user: name },
    password,
  });
  return { token: String(answer["access_token"]), deviceId: String(answer["device_id"]) };
}

const heading = (name: string) => page.getByRole("heading", { level: 1, name });
const toast = (text: string | RegExp) => page.locator(".toasts").getByText(text);

test("the overview says how the server does, and draws it", async () => {
  await heading("Overview").waitFor();
  await page.getByText("takes writes").waitFor();
  const chart = page.getByRole("img", { name: /^Memory of the server: now \d/ });
  await chart.waitFor();
  expect(await chart.locator("path.line").getAttribute("d")).toMatch(/^M[\d.]+ [\d.]+/);
  // A server whose events stay within has no broker: that is unknown, and not nought.
  await page.getByText(/This machine does not tell: .*Broker connected/).waitFor();
  await page.getByLabel("Time shown").selectOption("1");
  await expectAccessible(page);
});

test("the charts go on by themselves", async () => {
  await go(page, "Overview");
  // Something happens, and is seen at the next look, within ten seconds.
  const { token } = await logIn("boss");
  const { room_id: room } = await callServer(server.url, "POST", "createRoom", token, {});
  const send = (n: number) =>
    callServer(server.url, "PUT", `rooms/${String(room)}/send/m.room.message/${n}`, token, {
      msgtype: "m.text",
      body: "x",
    });
  for (let n = 0; n < 20; n += 1) await send(n);
  await page.getByRole("img", { name: /^Messages and other events: now [1-9]/ }).waitFor();
});

test("an account is made, with a password that is shown once", async () => {
  await go(page, "Users");
  await heading("Users").waitFor();
  await page.getByRole("button", { name: "New account" }).click();
  const making = dialog(page, "New account");
  await making.getByLabel("Name", { exact: true }).fill("ada");
  await making.getByLabel("Name that others see").fill("Ada Lovelace");
  await expectAccessible(page);
  await making.getByRole("button", { name: "Create account" }).click();
  const password = await making.getByLabel("Password of @ada:hs1", { exact: true }).inputValue();
  expect(password).toMatch(/^[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}$/);
  await making.getByRole("button", { name: "Done" }).click();
  await page.getByRole("link", { name: /Ada Lovelace/ }).waitFor();
  await logIn("ada", password);
  await expectAccessible(page);
});

test("a table makes accounts line by line, and says of each what became of it", async () => {
  await go(page, "Users");
  await page.getByRole("link", { name: "From a table" }).click();
  const csv =
    'name,password,display name,admin\nben,a long one,"Ben, the second",no\nNot A Name,,,\ncleo,,克莉奥,\nben,,,\ndan,short,,\nemma,,,maybe\n"fay,,,\n';
  await page
    .getByLabel("File")
    .setInputFiles({ name: "class.csv", mimeType: "text/csv", buffer: Buffer.from(csv) });
  await page.getByRole("button", { name: "Make accounts" }).click();
  await page.getByText("2 made, 0 there already, 5 failed, of 7 lines.").waitFor();
  const rows = page.getByRole("table", { name: "Accounts from a table" }).getByRole("row");
  const texts = (await rows.allInnerTexts())
    .slice(1)
    .map((row) => row.split("\t").map((cell) => cell.trim()));
  expect(texts.map(([line, , outcome]) => [line, outcome])).toEqual([
    ["2", "made"],
    ["3", expect.stringContaining("Not A Name is no account name")],
    ["4", "made"],
    ["5", "failed: ben is in line 2 already"],
    ["6", expect.stringContaining("a password has at least 8 characters")],
    ["7", "failed: maybe is neither yes nor no"],
    ["8", "failed: quotation marks do not match"],
  ]);
  await logIn("ben", "a long one");
  await logIn("cleo", texts[2]?.[3]);
  expect(await operate(server, "GET", "/users/ben")).toMatchObject({ display_name: "Ben, the second" });
  await expectAccessible(page);

  await page.getByRole("button", { name: "Sheets to print" }).click();
  await heading("Invitation sheets").waitFor();
  await page.locator(".cards > li").nth(1).waitFor();
  expect(await page.locator(".cards > li").count()).toBe(2);
  await page.getByText("@cleo:hs1").waitFor();
  await page
    .getByRole("img", { name: `${server.url}/` })
    .first()
    .waitFor();
  await expectAccessible(page);
});

test("an invitation is made, and whoever opens its link has an account", async () => {
  await go(page, "Invitations");
  await page.getByRole("button", { name: "Make", exact: true }).click();
  const link = await page.getByLabel("Link", { exact: true }).inputValue();
  expect(link).toMatch(new RegExp(`^${server.url}/#/join/[A-Za-z0-9._~-]+$`));
  await page.getByRole("img", { name: link }).waitFor();
  await expectAccessible(page);

  await using guest = await openWindow(browser, server.url, "guest");
  await guest.page.goto(link);
  await guest.page.reload();
  await guest.page.getByLabel("Name", { exact: true }).fill("guest");
  await guest.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await guest.page.getByLabel("Password, once more").fill(PASSWORD);
  await guest.page.getByRole("button", { name: "Create account" }).click();
  await guest.page.getByRole("navigation", { name: "Chats" }).waitFor();

  await page.reload();
  const row = page.getByRole("row").filter({ hasText: "1 of 1" });
  await row.getByRole("button", { name: /^Take back/ }).click();
  await dialog(page, "Take back").getByRole("button", { name: "Take back" }).click();
  await page.getByText("There is nothing.").waitFor();
});

test("an account is locked, unlocked, given a quota, signed out, and ended", async () => {
  await makeAccount(server, "mal");
  const { token, deviceId } = await logIn("mal");
  await go(page, "Users");
  await page.getByRole("searchbox", { name: "Find a user" }).fill("mal");
  await page.getByRole("link", { name: /@mal:hs1/ }).click();
  await heading("@mal:hs1").waitFor();

  await page.getByRole("button", { name: "Lock" }).click();
  await dialog(page, "Lock").getByRole("button", { name: "Lock" }).click();
  await page.getByRole("button", { name: "Unlock" }).waitFor();
  await expect(callServer(server.url, "GET", "account/whoami", token)).rejects.toThrow("M_USER_LOCKED");
  await page.getByRole("button", { name: "Unlock" }).click();
  await page.getByRole("button", { name: "Lock", exact: true }).waitFor();

  await page.getByLabel("Most that uploads may take").fill("5");
  await page.getByRole("button", { name: "Save" }).click();
  await toast("Done.").first().waitFor();
  expect(await operate(server, "GET", "/users/mal")).toMatchObject({ media_quota_bytes: 5_000_000 });
  await expectAccessible(page);

  await page.getByRole("row").filter({ hasText: deviceId }).getByRole("button").click();
  await dialog(page, "Sign out").getByRole("button", { name: "Sign out" }).click();
  await page.getByText(deviceId).first().waitFor({ state: "detached" });
  await expect(callServer(server.url, "GET", "account/whoami", token)).rejects.toThrow("M_UNKNOWN_TOKEN");

  await page.getByRole("button", { name: "New password" }).click();
  await dialog(page, "New password").getByRole("button", { name: "New password" }).click();
  const password = await page.getByLabel("Password of @mal:hs1", { exact: true }).inputValue();
  await logIn("mal", password);
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "Deactivate for ever" }).click();
  const ending = dialog(page, "Deactivate for ever");
  const sure = ending.getByRole("button", { name: "Deactivate for ever" });
  await ending.getByLabel(/^To go on, type/).fill("@mal:hs");
  expect(await sure.isDisabled()).toBe(true);
  await ending.getByLabel(/^To go on, type/).fill("@mal:hs1");
  await expectAccessible(page);
  await sure.click();
  await page.getByText("deactivated", { exact: true }).waitFor();
  await expect(logIn("mal", password)).rejects.toThrow("M_USER_DEACTIVATED");
});

test("a room is shut down after its name was typed, and let open again", async () => {
  await makeAccount(server, "host");
  const { token } = await logIn("host");
  const { room_id: room } = await callServer(server.url, "POST", "createRoom", token, {
    name: "<b>Casino</b>",
    preset: "public_chat",
  });
  await go(page, "Rooms");
  await page.getByRole("searchbox", { name: "Find a room" }).fill("casino");
  await page.getByRole("link", { name: /<b>Casino<\/b>/ }).click();
  await heading("<b>Casino</b>").waitFor();
  await page.getByRole("link", { name: "@host:hs1" }).first().waitFor();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Shut down" }).click();
  const ending = dialog(page, "Shut down");
  await ending.getByLabel(/^To go on, type/).fill("<b>Casino</b>");
  await ending.getByRole("button", { name: "Shut down" }).click();
  await toast(/^1 people are out/).waitFor();
  expect(await callServer(server.url, "GET", "joined_rooms", token)).toEqual({ joined_rooms: [] });
  await page.getByRole("button", { name: "Unblock" }).click();
  await page.getByRole("button", { name: "Block", exact: true }).waitFor();
  expect(await operate(server, "GET", `/rooms/${String(room)}`)).toMatchObject({ blocked: false });
});

test("uploads are shown, put in quarantine and deleted", async () => {
  await makeAccount(server, "painter");
  const { token } = await logIn("painter");
  await fetch(`${server.url}/_matrix/media/v3/upload?filename=cat.txt`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "text/plain" },
    body: "a cat",
  });
  await go(page, "Media");
  await page.getByRole("link", { name: "@painter:hs1" }).click();
  const row = page.getByRole("row").filter({ hasText: "cat.txt" });
  await row.getByRole("button", { name: /^Quarantine/ }).click();
  await row.getByText("in quarantine").waitFor();
  await expectAccessible(page);
  await row.getByRole("button", { name: /^Delete/ }).click();
  await dialog(page, "Delete cat.txt").getByRole("button", { name: "Delete" }).click();
  await page.getByText("There is nothing.").waitFor();
});

test("a report is read, acted on and dismissed", async () => {
  await makeAccount(server, "troll");
  await makeAccount(server, "witness");
  const { token } = await logIn("witness");
  await fetch(`${server.url}/_matrix/client/v3/users/@troll:hs1/report`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ reason: '<img src=x onerror="document.title=1"> insults people' }),
  });
  await go(page, "Reports");
  await page.getByText("insults people").first().waitFor();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Lock @troll:hs1" }).click();
  await dialog(page, "Lock").getByRole("button", { name: "Lock" }).click();
  await toast("Done.").first().waitFor();
  expect(await operate(server, "GET", "/users/troll")).toMatchObject({ locked: true });
  await page.getByRole("button", { name: /^Dismiss/ }).click();
  await page.getByText("There is nothing.").waitFor();
});

test("a notice reaches one, and then everybody who is still there", async () => {
  await go(page, "Notices");
  await page.getByLabel("Account").fill("@ada:hs1");
  await page.getByLabel("Text").fill("The server restarts at noon.");
  await expectAccessible(page);
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await toast("The notice was sent to @ada:hs1.").waitFor();

  await page.getByLabel("Everybody").check();
  await page.getByLabel("Text").fill("It is back.");
  await page.getByRole("button", { name: "Send to everybody" }).click();
  await dialog(page, "Send to everybody").getByRole("button", { name: "Send to everybody" }).click();
  await page.getByText(/^Sent to \d+ people; 0 failed\.$/).waitFor();
  const { token } = await logIn("witness");
  const sync = await callServer(server.url, "GET", "sync", token);
  expect(JSON.stringify(sync)).toContain("@notices:hs1");
});

test("retention is told, with the way to change it", async () => {
  await go(page, "Retention");
  await page.getByText("Messages and uploads stay for ever.").waitFor();
  await page.getByText("messageDays: 365").waitFor();
  await expectAccessible(page);
});

test("by keyboard: to the content, through a menu, and back from a dialog", async () => {
  await go(page, "Users");
  await heading("Users").waitFor();
  const focused = (of: "tagName" | "textContent") =>
    expect.poll(() => page.evaluate((name) => document.activeElement?.[name], of));
  await focused("tagName").toBe("H1");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await dialog(page, "New account").waitFor();
  await page.keyboard.press("Escape");
  await dialog(page, "New account").waitFor({ state: "detached" });
  await focused("textContent").toBe("New account");
  expectNoTrouble(boss);
});

test("who is no administrator sees a refusal, and gets nothing by any request", async () => {
  await makeAccount(server, "eve");
  await using eve = await openWindow(browser, server.url, "eve");
  const answers: (readonly [string, number])[] = [];
  eve.page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    if (pathname.startsWith("/_imcloud/admin/")) answers.push([pathname, response.status()]);
  });
  const { token, deviceId } = await logIn("eve");
  const session = { userId: "@eve:hs1", deviceId, accessToken: token };
  await eve.page.evaluate((it) => localStorage.setItem("imcloud.session", it), JSON.stringify(session));
  for (const screen of ["", "#/users", "#/rooms", "#/users/@boss:hs1", "#/notices", "#/sheets"]) {
    await eve.page.goto("about:blank");
    await eve.page.goto(`${server.url}/admin${screen}`);
    await eve.page.getByRole("heading", { name: "This page is for administrators" }).waitFor();
    expect(await eve.page.getByRole("navigation").count()).toBe(0);
  }
  expect(answers.length).toBeGreaterThan(0);
  expect(answers.filter(([, status]) => status !== 403)).toEqual([]);
  await expectAccessible(eve.page);

  // What the administrator's page asked in all of this, asked by her.
  const asked = [
    ["GET", "/figures"],
    ["GET", "/health"],
    ["GET", "/settings"],
    ["GET", "/users"],
    ["GET", "/users/eve"],
    ["PUT", "/users/eve/admin", { admin: true }],
    ["PUT", "/users/new", { password: "a long one" }],
    ["POST", "/users/boss/password", { password: "a long one" }],
    ["PUT", "/users/boss/lock", { on: true }],
    ["PUT", "/users/eve/quota", { bytes: null }],
    ["DELETE", "/users/boss/devices"],
    ["POST", "/users/boss/deactivate", {}],
    ["GET", "/registration-tokens"],
    ["POST", "/registration-tokens", {}],
    ["POST", "/invitations", {}],
    ["GET", "/rooms"],
    ["GET", "/blocked-rooms"],
    ["POST", "/rooms/!x:hs1/shutdown", {}],
    ["POST", "/rooms/!x:hs1/purge", { before: 1 }],
    ["PUT", "/blocked-rooms/!x:hs1", {}],
    ["GET", "/media"],
    ["GET", "/users/eve/media"],
    ["PUT", "/media/x/quarantine", { quarantined: true }],
    ["DELETE", "/media/x"],
    ["GET", "/reports"],
    ["DELETE", "/reports/1"],
    ["POST", "/notices", { user_id: "boss", body: "x" }],
  ] as const;
  const statuses = await Promise.all(
    asked.map(async ([method, path, body]) => {
      const response = await fetch(`${server.url}/_imcloud/admin/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${token}` },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return [method, path, response.status];
    }),
  );
  expect(statuses).toEqual(asked.map(([method, path]) => [method, path, 403]));
  expectNoTrouble(eve);
});

test("on a phone, in the dark and in Chinese it is as usable", async () => {
  await using phone = await openAdmin(browser, server, "boss", {
    locale: "zh-CN",
    colorScheme: "dark",
    viewport: { width: 360, height: 740 },
  });
  await phone.page.getByRole("heading", { name: "概览" }).waitFor();
  const screens = [
    ["用户", "用户"],
    ["邀请", "邀请"],
    ["聊天室", "聊天室"],
    ["媒体", "媒体"],
    ["举报", "举报"],
    ["通知", "通知"],
    ["保留期限", "保留期限"],
    ["概览", "概览"],
  ] as const;
  for (const [link, title] of screens) {
    await phone.page.getByRole("navigation", { name: "管理" }).getByRole("link", { name: link }).click();
    await phone.page.getByRole("heading", { level: 1, name: title }).waitFor();
    await expect.poll(() => phone.page.getByText("正在加载").count()).toBe(0);
    await expectAccessible(phone.page);
    const width = await phone.page.evaluate(() => document.documentElement.scrollWidth);
    expect([title, width]).toEqual([title, 360]);
  }
  await phone.page.goto(`${server.url}/admin#/users/${encodeURIComponent("@witness:hs1")}`);
  await phone.page.getByRole("heading", { level: 1, name: "@witness:hs1" }).waitFor();
  await phone.page.getByRole("table", { name: "设备" }).waitFor();
  expect(await phone.page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await expectAccessible(phone.page);
  expectNoTrouble(phone);
});
