/** Which boards `--on` means. */
import { expect, test } from "vitest";
import { exitCodeOf, renderError } from "../../../src/cli/report-error.js";
import { readConfig } from "../../../src/config/load.js";
import { selectBoards } from "../../../src/config/selector.js";
import { parseYaml } from "../../../src/config/yaml-file.js";
import { errorOf } from "./thrown.js";

const config = readConfig(
  parseYaml(
    "version: 1\ncloud: { name: home }\nboards: { attic: { tags: [ssd] }, cellar: { groups: [cold] }, den: }\ngroups: { cold: { boards: [den] } }",
    "imcloud.yaml",
  ),
);
const names = (...on: string[]) => selectBoards(config, on).map(({ name }) => name);

test("names, groups and tags, each board once, in the order of the file", () => {
  expect(names()).toEqual(["attic", "cellar", "den"]);
  expect(names("den", "@ssd", "cold", "attic")).toEqual(["attic", "cellar", "den"]);
  expect(names("cold")).toEqual(["cellar", "den"]);
});

test.each([
  ["atic", "did you mean `attic`?"],
  ["@sdd", "did you mean `@ssd`?"],
  ["ssd", "did you mean `@ssd`?"],
  ["warehouse", "name a board, a group or an @tag"],
])("--on %s selects nothing: exit code 64", (selector, hint) => {
  const error = errorOf(() => names(selector));
  expect(renderError(error, { verbose: false })).toBe(
    [
      `error[cli.usage]: \`--on ${selector}\` selects no board of \`imcloud.yaml\``,
      `  found     ${selector}`,
      "  expected  one of attic, cellar, den, cold, @ssd",
      `hint: ${hint}`,
    ].join("\n"),
  );
  expect(exitCodeOf(error)).toBe(64);
});
