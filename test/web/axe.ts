/**
 * Accessibility, as axe-core judges it: roles, names, contrast, focus, language.
 */
import { createRequire } from "node:module";
import type axe from "axe-core";
import type { AxeResults } from "axe-core";
import { expect } from "vitest";
import type { Page } from "playwright-core";

/** Of the package, so that the browser runs what the types speak of. */
const { source } = createRequire(import.meta.url)("axe-core") as typeof axe;

/** Nothing on the page is an obstacle for anybody, as far as a program can see, whatever its impact. */
export async function expectAccessible(page: Page, where = page.url()): Promise<void> {
  expect({ where, obstacles: await obstacles(page) }).toEqual({ where, obstacles: [] });
}

/** @param rules all that axe has, if none are named */
export async function obstacles(page: Page, rules?: readonly string[]): Promise<readonly string[]> {
  // By the debugger: the page's own policy lets no script in.
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(source);
  const { violations } = await page.evaluate(
    (only) =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(document, {
        resultTypes: ["violations"],
        ...(only !== undefined && { runOnly: { type: "rule" as const, values: [...only] } }),
      }),
    rules,
  );
  return violations.flatMap(brief);
}

/** Places beyond this are as the first ones. */
const MOST_PLACES = 4;

const brief = ({ id, nodes }: AxeResults["violations"][number]): string[] =>
  nodes
    .slice(0, MOST_PLACES)
    .map(
      ({ target, failureSummary = "" }) =>
        `${id} at ${target.join(" ")}: ${failureSummary.replaceAll(/\s+/g, " ")}`,
    );
