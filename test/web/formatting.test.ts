/** Messages with formatting of their authors' own: how they are written, what is sent, and how they are changed. */
import { beforeAll, expect, test } from "vitest";
import { callServer } from "../bench/server-process.js";
import { expectAccessible } from "./axe.js";
import {
  act,
  composer,
  conversation,
  expectNoTrouble,
  message,
  openWindow,
  PASSWORD,
  say,
  sees,
  signIn,
} from "./browser.js";
import { couple } from "./couple.js";

const people = couple();

interface Content {
  readonly body: string;
  readonly format?: string;
  readonly formatted_body?: string;
  readonly "m.mentions"?: object;
  readonly "m.new_content"?: Content;
  readonly "m.relates_to"?: object;
}

let token = "";
let room = "";
/** A room of the two that is not encrypted, so that what is sent can be looked at. */
beforeAll(async () => {
  const { server, ann, ben } = people;
  const tokenOf = async (user: string) =>
    String(
      (
        await callServer(server.url, "POST", "login", undefined, {
          type: "m.login.password",
          identifier: { type: "m.id.user", user },
          password: PASSWORD,
        })
      )["access_token"],
    );
  token = await tokenOf("ann");
  const { room_id } = await callServer(server.url, "POST", "createRoom", token, {
    name: "In the open",
    invite: ["@ben:hs1"],
  });
  room = encodeURIComponent(String(room_id));
  await callServer(server.url, "POST", `join/${room}`, await tokenOf("ben"), {});
  for (const { page } of [ann, ben]) await page.getByRole("link", { name: "In the open" }).click();
});

/** The newest message that is there, as the server has it. */
async function newest(): Promise<Content> {
  const { chunk } = await callServer(people.server.url, "GET", `rooms/${room}/messages?dir=b&limit=1`, token);
  const [event] = chunk as readonly { readonly content: Content }[];
  if (event === undefined) throw new Error("the room has no messages");
  return event.content;
}

const markdownLoads = () =>
  people.ann.page.evaluate(
    () => performance.getEntriesByType("resource").filter(({ name }) => name.includes("/markdown-")).length,
  );

test("a text without markup is sent as it is, and loads nothing; one with markup has HTML beside it", async () => {
  const { ann, ben } = people;
  await say(ann, "2 plain words");
  await sees(ben, "2 plain words");
  expect(await newest()).toEqual({ msgtype: "m.text", body: "2 plain words", "m.mentions": {} });
  expect(await markdownLoads()).toBe(0);

  await say(ann, "1. 5 * 5 apples, snake_case_words");
  await sees(ben, "1. 5 * 5 apples, snake_case_words");
  expect(await newest()).not.toHaveProperty("format");
  expect(await markdownLoads()).toBe(1);

  await say(ann, "a **bold** word");
  await conversation(ben.page).locator(".formatted strong", { hasText: "bold" }).waitFor();
  expect(await newest()).toEqual({
    msgtype: "m.text",
    body: "a **bold** word",
    format: "org.matrix.custom.html",
    formatted_body: "a <strong>bold</strong> word",
    "m.mentions": {},
  });
  expectNoTrouble(ann, ben);
});

test("what is sent is what this page itself lets through", async () => {
  const { ann, ben } = people;
  const text = [
    "**bold** *italic* ***both*** ~~struck~~ `code` <b>not bold</b> & 重点",
    "> quoted **words**",
    "3. three\n4. four",
    "- [link](https://example.org/a_b) and https://example.org/c_d\n- [no link](javascript:alert(1))",
    "```c++\nif (a < b) {\n  *c = 1;\n}\n```",
    "the end",
  ].join("\n\n");
  await say(ann, text);
  const shown = conversation(ben.page).locator(".formatted", { hasText: "the end" });
  await shown.locator("pre").waitFor();
  const { body, formatted_body: sent = "" } = await newest();
  expect(body).toBe(text);
  const seen = (await shown.innerHTML()).replaceAll(' target="_blank" rel="noopener noreferrer"', "");
  expect(seen).toBe(sent);
  expect(sent).toContain('<pre><code class="language-c++">if (a &lt; b) {\n  *c = 1;\n}\n</code></pre>');
  expect(await shown.locator("b").count()).toBe(0);
  await expectAccessible(ben.page);
});

test("numbers, colours and spoilers of other clients are shown", async () => {
  const { server, ben } = people;
  await callServer(server.url, "PUT", `rooms/${room}/send/m.room.message/colours`, token, {
    msgtype: "m.text",
    body: "red",
    format: "org.matrix.custom.html",
    formatted_body:
      '<ol start="7"><li><span data-mx-color="#cc0000">red</span> <span data-mx-spoiler="why">hidden</span></li></ol>',
  });
  const red = conversation(ben.page).locator(".formatted ol[start='7'] span", { hasText: "red" });
  expect(await red.evaluate((it) => it.style.color)).toBe("rgb(204, 0, 0)");
  await conversation(ben.page).locator(".formatted .spoiler", { hasText: "hidden" }).waitFor();
});

test("an edit shows what was typed, and keeps the formatting and the names", async () => {
  const { ann, ben } = people;
  await composer(ann.page).pressSequentially("**dear** @be");
  await ann.page.getByRole("option", { name: /ben/ }).waitFor();
  await composer(ann.page).press("Enter");
  await composer(ann.page).pressSequentially("come");
  await composer(ann.page).press("Enter");
  const pilled = conversation(ben.page).locator(".formatted", { hasText: "dear ben come" });
  await pilled.waitFor();
  expect(await newest()).toMatchObject({
    formatted_body: '<strong>dear</strong> <a href="https://matrix.to/#/%40ben%3Ahs1">ben</a> come',
    "m.mentions": { user_ids: ["@ben:hs1"] },
  });

  await composer(ann.page).press("ArrowUp");
  expect(await composer(ann.page).inputValue()).toBe("**dear** @ben come");
  await composer(ann.page).press("End");
  await composer(ann.page).pressSequentially(" *soon*");
  await composer(ann.page).press("Enter");
  await conversation(ben.page).locator(".formatted em", { hasText: "soon" }).waitFor();
  const html = '<strong>dear</strong> <a href="https://matrix.to/#/%40ben%3Ahs1">ben</a> come <em>soon</em>';
  expect(await newest()).toMatchObject({
    body: "* **dear** @ben come *soon*",
    formatted_body: `* ${html}`,
    "m.new_content": {
      body: "**dear** @ben come *soon*",
      format: "org.matrix.custom.html",
      formatted_body: html,
      "m.mentions": { user_ids: ["@ben:hs1"] },
    },
  });

  await composer(ann.page).press("ArrowUp");
  await composer(ann.page).fill("plain again");
  await composer(ann.page).press("Enter");
  await sees(ben, "plain again");
  expect((await newest())["m.new_content"]).toEqual({
    msgtype: "m.text",
    body: "plain again",
    "m.mentions": {},
  });
});

test("answers and threads are formatted too", async () => {
  const { ann, ben } = people;
  await say(ann, "Which one?");
  await sees(ben, "Which one?");
  await message(ben, "Which one?").hover();
  await message(ben, "Which one?").getByRole("button", { name: "Reply", exact: true }).click();
  await say(ben, "the *second*");
  const answer = conversation(ann.page).getByRole("article").filter({ hasText: "the second" });
  await answer.getByRole("link", { name: "ann: Which one?" }).waitFor();
  expect(await newest()).toMatchObject({
    formatted_body: "the <em>second</em>",
    "m.mentions": { user_ids: ["@ann:hs1"] },
    "m.relates_to": { "m.in_reply_to": {} },
  });
  await act(ben, "Which one?", "Reply in thread");
  const thread = ben.page.getByRole("complementary", { name: "Thread" });
  await thread.getByRole("textbox").fill("or the ~~first~~");
  await thread.getByRole("textbox").press("Enter");
  await thread.locator("del", { hasText: "first" }).waitFor();
  await expect.poll(newest).toMatchObject({
    formatted_body: "or the <del>first</del>",
    "m.relates_to": { rel_type: "m.thread" },
  });
  await thread.getByRole("button", { name: "Close" }).click();
  expectNoTrouble(ann, ben);
});

test("keys put signs around what is selected, and take them away", async () => {
  const { ann } = people;
  const field = composer(ann.page);
  await field.fill("so nice");
  await field.press("Shift+Control+ArrowLeft");
  await field.press("Control+b");
  expect(await field.inputValue()).toBe("so **nice**");
  await field.press("Control+i");
  expect(await field.inputValue()).toBe("so ***nice***");
  await field.press("Control+b");
  expect(await field.inputValue()).toBe("so *nice*");
  await field.press("Control+i");
  expect(await field.inputValue()).toBe("so nice");
  await field.fill("");
});

test("how it is written is said in the menu", async () => {
  const { ann } = people;
  await ann.page.getByRole("button", { name: "More" }).click();
  await ann.page.getByRole("menuitem", { name: "Formatting" }).click();
  await ann.page.getByRole("dialog").getByText("**bold**").waitFor();
  await expectAccessible(ann.page);
  await ann.page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
});

test("what formats cannot be had: the message is sent as it was typed, and in its turn", async () => {
  const { server, browser, ben } = people;
  await using tablet = await openWindow(browser, server.url, "ann", { serviceWorkers: "block" });
  await tablet.page.route("**/assets/markdown-*", (route) => route.abort());
  await signIn(tablet);
  await tablet.page.getByRole("link", { name: "In the open" }).click();
  await say(tablet, "first **one**");
  await say(tablet, "second one");
  await sees(ben, "second one");
  const texts = await conversation(ben.page).locator(".text p").allTextContents();
  expect(texts.slice(-2)).toEqual(["first **one**", "second one"]);
});
