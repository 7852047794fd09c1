/**
 * The table of kernel settings in docs/tuning.md, made from the playbook that sets them.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { parsePlaybook } from "../playbook/document.js";
import { pickInWords } from "../playbook/reasons.js";
import { packageRoot } from "../shared/package-root.js";

const Settings = z.array(
  z.object({
    key: z.string(),
    value: z.union([z.string(), z.number()]),
    words: z.string().optional().describe("the value, where its formula would be hard to read"),
    atLeast: z.boolean().default(false),
    why: z.string(),
    source: z.string(),
  }),
);

/** @returns rows of key, value in words, why, source */
export function sysctlRows(): readonly (readonly string[])[] {
  const file = join(packageRoot(), "playbooks", "tuning.yaml");
  const { vars } = parsePlaybook(readFileSync(file, "utf8"), file);
  return Settings.parse(vars["sysctls"]).map(({ key, value, words, atLeast, why, source }) => [
    `\`${key}\``,
    `${words ?? pickInWords(definitionOf(value, vars))}${atLeast ? ", or more" : ""}`,
    why,
    source,
  ]);
}

/** A value that is one variable: what the playbook says of that. */
function definitionOf(value: string | number, vars: Readonly<Record<string, unknown>>): unknown {
  const name = /^\{\{ vars\.(\w+) \}\}$/.exec(String(value))?.[1];
  return name === undefined ? value : vars[name];
}
