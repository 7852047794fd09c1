import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { renderPage } from "../../../src/cli/documentation.js";
import { makeProgram } from "../../../src/cli/program.js";
import { busEventSchema } from "../../../src/shared/bus-event.js";
import { packageRoot } from "../../../src/shared/package-root.js";

const DOCS = join(packageRoot(), "docs");
const pages = (await readdir(DOCS, { recursive: true })).filter((name) => name.endsWith(".md"));

/** The formatter aligns tables; that is no difference. */
const plain = (text: string): string =>
  text
    .replaceAll(/-{3,}/g, "---")
    .replaceAll(/[ \t]+/g, " ")
    .replaceAll(/\n{2,}/g, "\n\n");

test.each(pages)("docs/%s is not stale: else run `npx imcloud docs docs/*.md`", async (name) => {
  const page = await readFile(join(DOCS, name), "utf8");
  expect(plain(renderPage(page, makeProgram()))).toBe(plain(page));
});

test("a link between pages leads somewhere", async () => {
  for (const name of pages) {
    const page = await readFile(join(DOCS, name), "utf8");
    for (const [, target = ""] of page.matchAll(/\]\((?!\w+:)([^)#]+)/g))
      expect(existsSync(join(DOCS, dirname(name), target)), `${name} links to ${target}`).toBe(true);
  }
});

test("the published schema of events is what `imcloud schema event` prints", async () => {
  const published: unknown = JSON.parse(await readFile(join(DOCS, "event.schema.json"), "utf8"));
  expect(published, "else run `npx imcloud schema event > docs/event.schema.json`").toEqual(busEventSchema());
});

test("the examples ask for what the tests run them with", async () => {
  const read = (path: string) => readFile(join(packageRoot(), path), "utf8");
  const installed = async (name: string) =>
    (JSON.parse(await read(`node_modules/${name}/package.json`)) as { version: string }).version;
  const { dependencies } = JSON.parse(await read("docs/examples/node/package.json")) as {
    dependencies: Record<string, string>;
  };
  for (const [name, version] of Object.entries(dependencies)) expect(version).toBe(await installed(name));
  const pins = (text: string) => text.split("\n").filter((line) => line.includes("=="));
  const wanted = pins(await read("docs/examples/python/requirements.txt"));
  expect(wanted).not.toEqual([]);
  expect(pins(await read("test/clients/python/requirements.txt"))).toEqual(expect.arrayContaining(wanted));
});

test("a page cannot ask for a part that nobody makes", () => {
  expect(() => renderPage("<!-- made by `imcloud docs`: weather -->\n<!-- end -->", makeProgram())).toThrow(
    RangeError,
  );
});

describe("every command", () => {
  const commands = makeProgram().commands.flatMap((command) => [command, ...command.commands]);
  test.each(commands.map((command) => [command.name(), command] as const))(
    "%s has a summary without a full stop",
    (_name, command) => {
      expect(command.summary()).toMatch(/^[a-z`].*[^.]$/);
    },
  );
});
