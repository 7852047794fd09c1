/**
 * A user's own playbooks: conditions, loops, picks, includes, templates, files, and what is said of mistakes.
 */
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Item } from "../../../src/engine/types.js";
import { resolvePlaybooks } from "../../../src/playbook/resolve.js";
import { FOLKLORE } from "../../../src/resources/sysctl-folklore.js";
import { Secret } from "../../../src/shared/secret.js";
import { FACTS } from "../facts.js";

const OWN_TEXT = readFileSync(import.meta.filename, "utf8");
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-playbook-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function resolve(
  tasks: string,
  files: Readonly<Record<string, string>> = {},
): Promise<readonly Item[]> {
  const all = { "playbooks/own.yaml": `description: Own\n${tasks}`, ...files };
  for (const [path, content] of Object.entries(all)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return resolvePlaybooks({
    playbooks: ["own"],
    folder,
    facts: FACTS,
    board: { name: "pi-1" },
    cloud: { name: "home" },
    vars: { given: "from imcloud.yaml" },
    secrets: new Map([["token", new Secret("hush")]]),
    artifacts: {},
  });
}

const desiredOf = (items: readonly Item[]) =>
  items.map((item) => (item.kind === "resource" ? item.resource.desired : item));

test("a condition leaves out, a loop repeats, a pick picks, and types stay what they are", async () => {
  const items = await resolve(`
vars:
  size: { select: "{{ facts.ramMb }}", upTo: { 1100: 1, 4200: 2 }, default: 3 }
  place: { select: "{{ facts.release }}", from: { debian-12: here }, default: elsewhere }
tasks:
  - sysctl: { key: "vm.{{ item }}", value: "{{ vars.size }}" }
    each: [swappiness, page-cluster]
  - file: { path: /etc/never, content: x }
    when: facts.ramMb > 100000
  - file: { path: /etc/place, content: "{{ vars.place }} {{ vars.given }} {{ board.name }}" }
`);
  expect(desiredOf(items)).toMatchObject([
    { key: "vm.swappiness", value: "2" },
    { key: "vm.page-cluster", value: "2" },
    { content: "here from imcloud.yaml pi-1" },
  ]);
});

test("a loop and an include wait for what is not known yet", async () => {
  const items = await resolve(
    `
vars:
  version: "{{ 'rabbitmq-server' | installed: facts.packages }}"
tasks:
  - file: { path: "/etc/{{ item }}", content: x }
    each: ["{{ vars.version }}", other]
  - include: further
    vars: { version: "{{ vars.version }}" }
  - file: { path: /etc/known, content: x }
`,
    {
      "playbooks/further.yaml":
        "description: Further\ntasks:\n  - file: { path: /etc/further, content: x }\n",
    },
  );
  const because = "rabbitmq-server is not installed yet";
  expect(items).toMatchObject([
    { kind: "deferred", title: "file:/etc/{{ item }}", because },
    { kind: "deferred", title: "include further", because },
    { kind: "resource" },
  ]);
});

test("templates and files come from beside imcloud.yaml; a secret in a template makes all of it secret", async () => {
  const items = await resolve(
    `
tasks:
  - file: { path: /etc/own.conf, template: own.conf }
  - file: { path: /etc/own.secret, template: own.secret, mode: "0600" }
  - artifact: { path: /opt/own, from: own.bin }
`,
    {
      "templates/own.conf": "on {{ board.name }}\n",
      "templates/own.secret": "token={{ secrets.token }}\n",
      "files/own.bin": "bytes",
    },
  );
  const [conf, secret, artifact] = desiredOf(items) as [
    { content: string },
    { content: Secret },
    { source: object },
  ];
  expect(conf.content).toBe("on pi-1\n");
  expect(secret.content).toBeInstanceOf(Secret);
  expect(secret.content.reveal()).toBe("token=hush\n");
  expect(artifact.source).toMatchObject({ sizeBytes: 5, path: join(folder, "files/own.bin") });
});

test("an include stands in its place and belongs to who includes it", async () => {
  const items = await resolve(`tasks:\n  - include: part\n    vars: { what: "{{ board.name }}" }\n`, {
    "playbooks/part.yaml": `description: Part\ntasks:\n  - file: { path: /etc/part, content: "{{ vars.what }}" }\n`,
  });
  expect(items).toMatchObject([{ resource: { playbook: "own", desired: { content: "pi-1" } } }]);
});

describe("mistakes", () => {
  const file = "file: { path: /etc/x, content: y }";
  const cases: readonly (readonly [
    name: string,
    tasks: string,
    line: number,
    found: RegExp,
    hint: RegExp,
  ])[] = [
    ["a type that there is not", "tasks:\n  - fiel: { path: /etc/x }\n", 3, /fiel/, /did you mean `file`/],
    [
      "a key that there is not",
      "tasks:\n  - file: { path: /etc/x, contents: y }\n",
      3,
      /contents|content/,
      /did you mean `content`/,
    ],
    [
      "a value of the wrong kind",
      `tasks:\n  - file: { path: etc/x, content: y }\n`,
      3,
      /^"etc\/x"; expected .*absolute path/,
      /docs\/playbooks/,
    ],
    [
      "two resources in one task",
      `tasks:\n  - ${file}\n    user: { name: x }\n`,
      3,
      /file, user/,
      /one list item/,
    ],
    ["a task that says nothing", "tasks:\n  - when: 'true'\n", 3, /neither/, /one list item/],
    [
      "a variable that there is not",
      `tasks:\n  - file: { path: /etc/x, content: "{{ vars.none }}" }\n`,
      3,
      /undefined variable: vars.none/,
      /expressions/,
    ],
    [
      "a filter that there is not",
      `tasks:\n  - file: { path: /etc/x, content: "{{ 1 | none }}" }\n`,
      3,
      /undefined filter: none/,
      /expressions/,
    ],
    [
      "a filter on a secret",
      `tasks:\n  - file: { path: /etc/x, content: "{{ secrets.token | upcase }}" }\n`,
      3,
      /filter was applied to a secret/,
      /expressions/,
    ],
    ["a loop over no list", `tasks:\n  - ${file}\n    each: "{{ board.name }}"\n`, 3, /pi-1/, /give a list/],
    [
      "the same thing twice, differently",
      `tasks:\n  - ${file}\n  - file: { path: /etc/x, content: z }\n`,
      4,
      /also at/,
      /keep one/,
    ],
    ["YAML that is none", "tasks:\n  - [\n", 4, /./, /indentation/],
    ["no tasks", "vars: {}\n", 1, /^nothing; expected .*array/, /./],
  ];
  test.each(cases)("%s", async (_name, tasks, line, found, hint) => {
    const error: unknown = await resolve(tasks).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "playbook.invalid", details: { origin: { line } } });
    const { details } = error as { details: { found?: string; expected?: string; hint: string } };
    expect(`${details.found}; expected ${details.expected}`).toMatch(found);
    expect(details.hint).toMatch(hint);
  });

  test.each([
    ["vm.swappiness", "0", "1"],
    ["net.ipv4.tcp_tw_recycle", "1", undefined],
    ["net.ipv4.tcp_timestamps", "0", "1"],
    ["net.ipv4.tcp_sack", "0", "1"],
    ["net.ipv4.tcp_mem", "4096 8192 16384", undefined],
    ["net.ipv4.tcp_max_tw_buckets", "1000", "65536"],
    ["net.ipv4.tcp_abort_on_overflow", "1", "0"],
    ["vm.overcommit_memory", "2", "1"],
    ["vm.panic_on_oom", "2", "0"],
    ["vm.vfs_cache_pressure", "0", "50"],
    ["vm.drop_caches", "3", undefined],
    ["vm.min_free_kbytes", "512", "16384"],
  ])("folklore: %s = %s is refused, for a reason, unless somebody insists", async (key, value, harmless) => {
    const tasks = (more: string) => `tasks:\n  - sysctl:\n      key: ${key}\n      ${more}\n`;
    await expect(resolve(tasks(`value: ${value}`))).rejects.toMatchObject({
      code: "playbook.invalid",
      message: expect.stringContaining(`\`${key} = ${value}\` does harm: `) as string,
      details: { origin: { line: 5 }, hint: expect.stringContaining("`force: true`") as string },
    });
    expect(desiredOf(await resolve(tasks(`value: ${value}\n      force: true`)))).toMatchObject([
      { key, value },
    ]);
    if (harmless !== undefined)
      expect(desiredOf(await resolve(tasks(`value: ${harmless}`)))).toMatchObject([{ value: harmless }]);
  });

  test("every piece of folklore has a case here", () => {
    expect(FOLKLORE.map(({ key }) => key).filter((key) => !OWN_TEXT.includes(`"${key}"`))).toEqual([]);
  });

  test.each([
    ["a playbook", "tasks:\n  - include: none\n"],
    ["a template", "tasks:\n  - file: { path: /etc/x, template: none }\n"],
    ["a file", "tasks:\n  - artifact: { path: /opt/x, from: none }\n"],
  ])("%s that is not there", async (_what, tasks) => {
    await expect(resolve(tasks)).rejects.toMatchObject({ code: "playbook.not-found" });
  });

  test("a playbook that includes itself", async () => {
    await expect(resolve("tasks:\n  - include: own\n")).rejects.toMatchObject({
      code: "playbook.invalid",
      message: expect.stringContaining("includes itself") as string,
    });
  });
});
