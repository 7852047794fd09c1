/**
 * The table of kernel settings in docs/tuning.md, made from the playbook that sets them.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { isPick, parsePlaybook } from "../playbook/document.js";
import { packageRoot } from "../shared/package-root.js";

const Settings = z.array(
  z.object({
    key: z.string(),
    value: z.union([z.string(), z.number()]),
    atLeast: z.boolean().default(false),
    why: z.string(),
    source: z.string(),
  }),
);

/** @returns rows of key, value in words, why, source */
export function sysctlRows(): readonly (readonly string[])[] {
  const file = join(packageRoot(), "playbooks", "tuning.yaml");
  const { vars } = parsePlaybook(readFileSync(file, "utf8"), file);
  return Settings.parse(vars["sysctls"]).map(({ key, value, atLeast, why, source }) => [
    `\`${key}\``,
    `${inWords(value, vars)}${atLeast ? ", or more" : ""}`,
    why,
    source,
  ]);
}

/** @example "1024 up to 1100 MiB of memory, else 2048" */
function inWords(value: string | number, vars: Readonly<Record<string, unknown>>): string {
  const name = /^\{\{ vars\.(\w+) \}\}$/.exec(String(value))?.[1];
  const given = name === undefined ? value : vars[name];
  if (!isPick(given)) return String(given);
  const limits = Object.entries(given.upTo ?? {}).map(
    ([limit, at]) => `${String(at)} up to ${limit} MiB of memory`,
  );
  const words = Object.entries(given.from ?? {}).map(([word, at]) => `${String(at)} with ${word}`);
  return [...limits, ...words, `else ${String(given.default)}`].join(", ");
}
