import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { renderPage } from "../../../src/cli/documentation.js";
import { makeProgram } from "../../../src/cli/program.js";
import { packageRoot } from "../../../src/shared/package-root.js";

const DOCS = join(packageRoot(), "docs");
const pages = (await readdir(DOCS)).filter((name) => name.endsWith(".md"));

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
    for (const [, target] of page.matchAll(/\]\(([\w-]+\.md)/g))
      expect(pages, `${name} links to ${target ?? ""}`).toContain(target);
  }
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
