/** What people get wrong, and what imcloud says: the whole message, and the exit code. */
import { expect, test } from "vitest";
import { exitCodeOf, renderError } from "../../../../src/cli/report-error.js";
import { readConfig } from "../../../../src/config/load.js";
import { parseYaml } from "../../../../src/config/yaml-file.js";

export type Case = readonly [title: string, act: () => unknown, lines: readonly string[]];

const HEAD = "version: 1\ncloud: { name: home }\nboards: { attic: , cellar: }\n";
/** Two boards with these settings. */
export const configOf = (firstBoot: string) =>
  readConfig(parseYaml(`${HEAD}firstBoot: ${firstBoot}\n`, "imcloud.yaml"));

/** A test for each case. */
export function testAll(cases: readonly Case[]): void {
  test.each(cases)("%s", async (_title, act, lines) => {
    const error: unknown = await Promise.resolve()
      .then(act)
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    expect(renderError(error, { verbose: false })).toBe(lines.join("\n"));
    expect(exitCodeOf(error)).toBe(65);
  });
}
