/** Ann and Ben, who chat in two browsers on a server of their own: what most tests of the chat begin with. */
import { afterAll, beforeAll } from "vitest";
import type { Browser } from "playwright-core";
import { startServerProcess, type ServerProcess } from "../bench/server-process.js";
import { openBrowser, pair, type Person } from "./browser.js";

export interface Couple {
  readonly server: ServerProcess;
  readonly browser: Browser;
  readonly ann: Person;
  readonly ben: Person;
}

/** @returns what is there once the file's tests run */
export function couple(): Couple {
  const ends: (() => PromiseLike<void>)[] = [];
  let made: Couple | undefined;
  beforeAll(async () => {
    const server = await startServerProcess();
    ends.push(() => server[Symbol.asyncDispose]());
    const browser = await openBrowser();
    ends.push(() => browser.close());
    const [ann, ben] = await pair(browser, server.url, "ann", "ben");
    made = { server, browser, ann, ben };
  });
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });
  const there = (): Couple => {
    if (made === undefined) throw new Error("they are there once the tests run");
    return made;
  };
  return {
    get server() {
      return there().server;
    },
    get browser() {
      return there().browser;
    },
    get ann() {
      return there().ann;
    },
    get ben() {
      return there().ben;
    },
  };
}
