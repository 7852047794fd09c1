/**
 * All that the shipped playbooks want of a board, for every release, in files that are read before they are
 * agreed to: one diff shows what a change of a playbook does everywhere. `npm run golden` renews them.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { releaseOf, type Facts } from "../../../src/board/facts.js";
import type { Item } from "../../../src/engine/types.js";
import { ImcloudError } from "../../../src/shared/errors.js";
import { packageRoot } from "../../../src/shared/package-root.js";
import { RELEASES } from "../../../src/shared/releases.js";
import { FACTS_FILES, SHIPPED, factsOf, resolveShipped } from "./shipped.js";

/** The cells after the key, by key, of the table that is made from the playbook. */
const [, TABLE = ""] = readFileSync(join(packageRoot(), "docs", "tuning.md"), "utf8").split(
  /docs`: sysctls -->|<!-- end -->/,
);
const ROWS = new Map(
  [...TABLE.matchAll(/^\| `([\w.-]+)` +\|(.*)\|$/gm)].map(
    ([, key = "", cells = ""]) => [key, cells.split("|").map((cell) => cell.trim())] as const,
  ),
);

describe.each(FACTS_FILES)("%s", (name) => {
  test("with RabbitMQ, is as it was agreed to; else look at the diff, then `npm run golden`", async () => {
    const facts = factsOf(name);
    const { rabbitmq = expect.fail(`no row for ${releaseOf(facts)}`) } = RELEASES[releaseOf(facts)] ?? {};
    const bare = await plan({ ...facts, packages: {} });
    const installed = await plan({ ...facts, packages: { "rabbitmq-server": rabbitmq } });
    const further = installed.filter((text) => !bare.includes(text));
    const text = [
      `${facts.os.prettyName}, ${facts.arch}, ${facts.ramMb} MiB, swap ${facts.swap}`,
      "# A board that has nothing of it yet",
      ...bare,
      `# What is different once RabbitMQ ${rabbitmq} is installed`,
      ...(further.length === 0 ? ["nothing"] : further),
    ].join("\n\n");
    expect(text).not.toContain("canary-");
    await expect(`${text}\n`).toMatchFileSnapshot(`golden/${name}`);
  });

  test("with Kafka, differs by no more than it was agreed to", async () => {
    const facts = { ...factsOf(name), packages: {}, fileSystems: { "/": 29_000 } };
    const otherwise = await plan(facts);
    const text = [
      `${facts.os.prettyName}, ${facts.arch}, ${facts.ramMb} MiB, a disk of 29 GB`,
      "# What is different with `broker: kafka`",
      ...(await plan(facts, "kafka")).filter((each) => !otherwise.includes(each)),
    ].join("\n\n");
    expect(text).not.toContain("canary-");
    await expect(`${text}\n`).toMatchFileSnapshot(`golden/kafka-${name}`);
  });
});

test("docs/tuning.md has a row for each kernel setting, and none that nobody sets", async () => {
  const keys = new Set<string>();
  for (const name of FACTS_FILES) {
    for (const item of await resolveShipped(factsOf(name), ["base", "tuning"])) {
      if (item.kind === "resource" && item.resource.type.type === "sysctl")
        keys.add(keyOf(item.resource.desired));
    }
  }
  expect([...ROWS.keys()].toSorted()).toEqual([...keys].toSorted());
});

/** One text for each thing that is wanted, in order; a playbook that the board cannot have is one text. */
async function plan(facts: Facts, broker: keyof typeof SHIPPED = "rabbitmq"): Promise<readonly string[]> {
  const wanted: string[] = [];
  const refused: string[] = [];
  for (const playbook of SHIPPED[broker]) {
    try {
      await resolveShipped(facts, [playbook]);
      wanted.push(playbook);
    } catch (error) {
      if (!(error instanceof ImcloudError) || error.code !== "board.unsupported") throw error;
      refused.push(`## ${playbook}: refused\n${error.message}: ${error.details.hint}`);
    }
  }
  return [...(await resolveShipped(facts, wanted)).map(render), ...refused];
}

function render(item: Item): string {
  if (item.kind === "deferred") return `## ${item.playbook}: ${item.title}\nwaits: ${item.because}`;
  const { id, playbook, desired, type } = item.resource;
  // As JSON first: that is where a secret becomes ***.
  const state = stringify(JSON.parse(JSON.stringify(desired)), { lineWidth: 0, blockQuote: "literal" });
  return `## ${playbook}: ${id}\n${type.type === "sysctl" ? `# ${reasonOf(keyOf(desired))}\n` : ""}${state.trimEnd()}`;
}

function reasonOf(key: string): string {
  const [, why, source] = ROWS.get(key) ?? expect.fail(`docs/tuning.md has no row for ${key}`);
  return `docs/tuning.md: ${why} (${source})`;
}

const keyOf = (desired: unknown): string => (desired as { readonly key: string }).key;
