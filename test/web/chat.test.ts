/** Two people in two browsers. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Browser } from "playwright-core";
import { startServerProcess, type ServerProcess } from "../bench/server-process.js";
import { chatWith, composer, expectNoTrouble, openBrowser, openWindow, say, sees, signUp } from "./browser.js";

let server: ServerProcess;
let browser: Browser;
beforeAll(async () => {
  server = await startServerProcess();
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
});

test("two people find each other, chat, and see what the other does", async () => {
  await using ann = await openWindow(browser, server.url, "ann");
  await using ben = await openWindow(browser, server.url, "ben");
  await signUp(ann);
  await signUp(ben);

  await chatWith(ann, "ben");
  await say(ann, "Hello Ben");
  await ben.page.getByRole("link", { name: /ann/ }).click();
  await ben.page.getByRole("button", { name: "Accept" }).click();
  await sees(ben, "Hello Ben");
  await say(ben, "Hello Ann");
  await sees(ann, "Hello Ann");
  await composer(ben.page).pressSequentially("I am ty");
  await ann.page.getByText("ben is typing …").waitFor();
  expectNoTrouble(ann, ben);
});
