/**
 * What axe finds on a page. Its source is run from outside: the pages' own policy lets no other script in.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import type { AxeResults } from "axe-core";

const SOURCE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface WithAxe {
  readonly axe?: { run(): Promise<AxeResults> };
}

/** Nothing of what is seen keeps anybody out: no finding of serious or critical impact. */
export async function expectAccessible(page: Page): Promise<void> {
  if (await page.evaluate(() => (globalThis as WithAxe).axe === undefined)) await page.evaluate(SOURCE);
  const results = await page.evaluate(() => (globalThis as Required<WithAxe>).axe.run());
  const found = results.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => ({ id, help, where: nodes.map(({ html }) => html.slice(0, 200)) }));
  expect({ at: page.url(), found }).toEqual({ at: page.url(), found: [] });
}
