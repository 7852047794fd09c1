import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { playbookSchema } from "../../../src/playbook/json-schema.js";
import { packageRoot } from "../../../src/shared/package-root.js";

const FOLDER = join(packageRoot(), "playbooks");
const validate = new Ajv2020({ strict: false }).compile(playbookSchema());
const complaints = (playbook: unknown) =>
  validate(playbook)
    ? []
    : (validate.errors ?? []).map(({ instancePath, message = "" }) => `${instancePath} ${message}`);

test.each(readdirSync(FOLDER))("an editor has nothing to complain of in %s", (name) => {
  expect(complaints(parse(readFileSync(join(FOLDER, name), "utf8")))).toEqual([]);
});

test.each([
  ["a type that does not exist", { description: "x", tasks: [{ flie: { path: "/x" } }] }, "/tasks/0"],
  [
    "a setting that does not exist",
    { description: "x", tasks: [{ file: { path: "/x", contend: "y" } }] },
    "/tasks/0/file",
  ],
  [
    "a value of the wrong kind",
    { description: "x", tasks: [{ sysctl: { key: ["a"], value: 1 } }] },
    "/tasks/0/sysctl/key",
  ],
  ["no tasks", { description: "x" }, ""],
])("it marks %s", (_what, playbook, where) => {
  expect(complaints(playbook)).toContainEqual(expect.stringMatching(new RegExp(`^${where} `)));
});
