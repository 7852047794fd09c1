/** An imcloud.yaml that is refused: the whole message, and exit code 65. */
import { expect, test } from "vitest";
import { exitCodeOf, renderError } from "../../../src/cli/report-error.js";
import { readConfig } from "../../../src/config/load.js";
import { parseYaml } from "../../../src/config/yaml-file.js";
import { errorOf } from "./thrown.js";

/** Of the message: what it says, at, found, expected, hint; an empty one is not printed. */
export type Case = readonly [title: string, yaml: string, message: readonly string[]];

/** A test for each case. */
export function testAll(cases: readonly Case[]): void {
  test.each(cases)("%s", (_title, yaml, [message = "", at = "", found = "", expected = "", hint = ""]) => {
    const error = errorOf(() => readConfig(parseYaml(yaml, "imcloud.yaml")));
    const code = /well-formed/.test(message) ? "config.syntax" : "config.invalid";
    const lines = [
      `error[${code}]: ${message}`,
      `  at        imcloud.yaml:${at}`,
      ...(found === "" ? [] : [`  found     ${found}`]),
      ...(expected === "" ? [] : [`  expected  ${expected}`]),
      `hint: ${hint}`,
    ];
    expect(renderError(error, { verbose: false })).toBe(lines.join("\n"));
    expect(exitCodeOf(error)).toBe(65);
  });
}
