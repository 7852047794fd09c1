/**
 * Wishes that are fulfilled in another way than the first look expects.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { sh } from "../../../src/board/script.js";
import { aptFunctions, forgetLists } from "../../../src/resources/apt.js";
import { aptRepository } from "../../../src/resources/apt-repository.js";
import { command } from "../../../src/resources/command.js";
import { kafkaTopic } from "../../../src/resources/kafka-topic.js";
import { line } from "../../../src/resources/line.js";
import { packages } from "../../../src/resources/package.js";
import { replaceFile, restoreFile } from "../../../src/resources/replace-file.js";
import { absent, type Known } from "../../../src/resources/resource.js";
import { restartDraft } from "../../../src/resources/restart.js";
import { service } from "../../../src/resources/service.js";

const folder = mkdtempSync(join(tmpdir(), "imcloud-converge-"));
afterAll(() => rmSync(folder, { recursive: true }));
const seen = (value: readonly string[]): Known<readonly string[]> => ({ kind: "known", value });
const run = (text: string, env: Readonly<Record<string, string>> = {}) =>
  spawnSync("sh", ["-euc", text], { encoding: "utf8", env: { ...process.env, ...env } });

test("a line that no longer matches what it replaced is there all the same", () => {
  const wish = line.schema.parse({ path: "/etc/x", line: "Port 22", match: "^#Port" });
  expect(line.diff(wish, seen(["#Port 2222", "Port 22"]))).toHaveLength(1);
  expect(line.diff(wish, seen(["Port 22", "other"]))).toEqual([]);
  expect(line.diff(wish, seen(["other"]))).toHaveLength(1);
});

test.each([
  ["added at the end", "127.0.0.1 localhost\n"],
  ["put in another's place", "127.0.1.1 raspberrypi\n127.0.0.1 localhost\n"],
])("a line that was %s, and has changed since, is taken back as it is now", (_title, before) => {
  const place = mkdtempSync(join(folder, "line-"));
  const path = join(place, "hosts");
  writeFileSync(path, before);
  const change = (name: string) => {
    const text = `127.0.1.1 ${name}`;
    const wish = line.schema.parse({ path, line: text, match: String.raw`^127\.0\.1\.1\s` });
    const [draft] = line.diff(wish, seen(readFileSync(path, "utf8").trimEnd().split("\n")));
    expect(run(draft?.apply.text ?? "false", { IMCLOUD_LEDGER: place })).toMatchObject({ status: 0 });
    expect(readFileSync(path, "utf8")).toContain(`${text}\n`);
    return draft?.undo?.text ?? "false";
  };
  const [first, second] = [change("attic"), change("cellar")];
  // A rollback takes back the second alone; the ledger has the first.
  expect(run(second, { IMCLOUD_SAVED: "/nonexistent" })).toMatchObject({ status: 0, stderr: "" });
  expect(readFileSync(path, "utf8")).toContain("127.0.1.1 attic\n");
  change("barn");
  expect(run(first, { IMCLOUD_SAVED: place })).toMatchObject({ status: 0, stderr: "" });
  expect(readFileSync(path, "utf8")).toBe(before);
});

test("a unit that is not there is as good as stopped and disabled", () => {
  const wish = (more: object) => service.schema.parse({ unit: "bluetooth.service", ...more });
  expect(service.diff(wish({ enabled: false, running: false }), absent)).toEqual([]);
  expect(service.diff(wish({ enabled: false, running: "any" }), absent)).toEqual([]);
  expect(service.diff(wish({ enabled: false, running: true }), absent)).toHaveLength(1);
});

test("a file that a line was the first of goes with it, unless others are there", () => {
  const path = join(mkdtempSync(join(folder, "line-")), "new.conf");
  const [draft] = line.diff(line.schema.parse({ path, line: "ours" }), absent);
  const undo = () => run(draft?.undo?.text ?? "false", { IMCLOUD_SAVED: "/nonexistent" });
  for (const others of ["", "theirs\n"]) {
    expect(run(draft?.apply.text ?? "false")).toMatchObject({ status: 0, stderr: "" });
    writeFileSync(path, others, { flag: "a" });
    expect(undo()).toMatchObject({ status: 0, stderr: "" });
    expect(undo()).toMatchObject({ status: 0, stderr: "" });
    expect(existsSync(path)).toBe(others !== "");
  }
});

test("a unit that failed is forgotten with its service", () => {
  const programs = mkdtempSync(join(folder, "bin-"));
  writeFileSync(join(programs, "systemctl"), `#!/bin/sh\necho "$*" >> ${programs}/told\n`, { mode: 0o755 });
  const [draft] = service.diff(service.schema.parse({ unit: "x.service" }), absent);
  const { status } = run(draft?.undo?.text ?? "false", {
    PATH: `${programs}:${process.env["PATH"] ?? ""}`,
  });
  expect(status).toBe(0);
  expect(readFileSync(join(programs, "told"), "utf8").trim().split("\n")).toEqual([
    ...["cat x.service", "disable x.service", "stop x.service", "reset-failed x.service"],
  ]);
});

test.each([true, false])("a static unit is as enabled as it can be: %s", (enabled) => {
  const wish = service.schema.parse({ unit: "apt-daily.service", enabled, running: false });
  const state = (active: string): Parameters<typeof service.diff>[1] => ({
    kind: "known",
    value: { active, enabled: "static" },
  });
  expect(service.diff(wish, state("inactive"))).toEqual([]);
  expect(service.diff(wish, state("active"))).toHaveLength(1);
});

test.each([
  ["a unit that runs fails a run when it does not start again", "active", undefined, 1, true],
  ["so does one that is asked for", "failed", undefined, 1, true],
  ["one that nothing asks for owes nothing more", "failed", "left", 0, false],
  ["but is not lost where it ran", "active", "left", 1, true],
] as const)("a restart that is owed: %s", (_title, state, onlyIf, status, isOwed) => {
  const programs = mkdtempSync(join(folder, "bin-"));
  const debt = join(programs, "x.service");
  writeFileSync(debt, "");
  writeFileSync(join(programs, "journalctl"), "#!/bin/sh\n", { mode: 0o755 });
  writeFileSync(
    join(programs, "systemctl"),
    `#!/bin/sh\ncase $1 in is-active) echo ${state}; [ ${state} = active ] ;; restart) exit 1 ;; esac\n`,
    { mode: 0o755 },
  );
  const { apply } = restartDraft("x.service", onlyIf);
  const ended = run(apply.text.replaceAll("/var/lib/imcloud/pending", programs), {
    PATH: `${programs}:${process.env["PATH"] ?? ""}`,
  });
  expect(ended).toMatchObject({ status, stderr: "" });
  expect(existsSync(debt)).toBe(isOwed);
});

test("a command whose guard an earlier step has satisfied is passed over", () => {
  const done = join(folder, "done");
  const wish = command.schema.parse({
    name: "mark",
    unless: `test -e ${done}`,
    run: `test ! -e ${done}\n: > ${done}`,
  });
  const [draft] = command.diff(wish, absent);
  for (const _ of ["first", "again"]) expect(run(draft?.apply.text ?? "false").status).toBe(0);
});

test("packages that were never installed are taken back without a look at apt", () => {
  const [draft] = packages.diff(packages.schema.parse({ names: ["hello"] }), seen([]));
  expect(run(draft?.undo?.text ?? "false", { IMCLOUD_SAVED: folder })).toMatchObject({
    status: 0,
    stdout: "",
    stderr: "",
  });
});

describe("packages that hold data", () => {
  const place = mkdtempSync(join(folder, "ledger-"));
  const [draft] = packages.diff(packages.schema.parse({ names: ["broker"], data: true }), seen([]));
  const told = () => readFileSync(join(place, "told"), "utf8").trim().split("\n");
  const entry = () => JSON.parse(readFileSync(join(place, "entry"), "utf8")) as { readonly isData: boolean };
  const undo = (IMCLOUD_WITH_DATA: string) => {
    writeFileSync(join(place, "told"), "");
    return run(draft?.undo?.text ?? "false", {
      ...{ IMCLOUD_SAVED: place, IMCLOUD_WITH_DATA, PATH: `${place}:${process.env["PATH"] ?? ""}` },
    });
  };
  const programs = {
    "apt-get": `case " $* " in *" -s "*) ;; *" remove "*) echo remove >> ${place}/told ;; *" purge "*) echo purge >> ${place}/told ;; esac`,
    "dpkg-query": "echo installed",
    "apt-mark": ":",
    dpkg: ":",
  };
  for (const [name, text] of Object.entries(programs))
    writeFileSync(join(place, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  writeFileSync(join(place, "installed"), "broker\n");
  writeFileSync(join(place, "entry"), '{"version":1,"id":"package:broker","isData":false}\n');

  test("are known as long as their data are there", () => {
    expect(undo("no")).toMatchObject({ status: 0, stderr: "" });
    expect([told(), entry().isData]).toEqual([["remove"], true]);
  });

  test("go for good when the data are to go", () => {
    expect(undo("yes")).toMatchObject({ status: 0, stderr: "" });
    expect(told()).toEqual(["purge"]);
  });
});

describe("lists of packages", () => {
  const programs = mkdtempSync(join(folder, "bin"));
  const tries = join(programs, "tries");
  const fetchLists = (refusal: string, times: number) => {
    writeFileSync(tries, "");
    rmSync(join(programs, "apt-lists-fresh"), { force: true });
    const refuse = `echo x >> ${tries}\n[ "$(wc -l < ${tries})" -gt ${times} ] || { echo "${refusal}" >&2; exit 100; }`;
    writeFileSync(join(programs, "apt-get"), `#!/bin/sh\n${refuse}\n`, { mode: 0o755 });
    for (const name of ["dpkg", "sleep"]) writeFileSync(join(programs, name), "#!/bin/sh\n", { mode: 0o755 });
    const { text } = sh`${aptFunctions}
fresh_lists`;
    const ended = run(text.replaceAll("/run/imcloud", programs), {
      PATH: `${programs}:${process.env["PATH"] ?? ""}`,
    });
    return { ...ended, tries: readFileSync(tries, "utf8").length / 2 };
  };

  test("that another program is fetching are waited for", () => {
    const refusal = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)";
    expect(fetchLists(refusal, 2)).toMatchObject({ status: 0, tries: 3, stderr: "" });
  });

  test("that cannot be had fail with apt's own words", () => {
    const refusal = "E: The repository is not signed.";
    expect(fetchLists(refusal, 9)).toMatchObject({
      ...{ status: 100, tries: 1, stderr: "" },
      stdout: `${refusal}\n`,
    });
  });
});

test("a file comes back although its folder is gone", () => {
  writeFileSync(join(folder, "0"), "old\n");
  const path = join(folder, "gone", "file");
  expect(run(restoreFile(path).text, { IMCLOUD_SAVED: folder })).toMatchObject({ status: 0, stderr: "" });
  expect(readFileSync(path, "utf8")).toBe("old\n");
});

test("a repository's lists are forgotten before its files, which then say that all is done", () => {
  const wish = aptRepository.schema.parse({
    ...{ name: "x", uris: ["file:///srv"], suites: ["./"], components: ["main"] },
    key: "-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
  });
  const [draft] = aptRepository.diff(wish, absent);
  expect(draft?.apply.text.startsWith(forgetLists.text)).toBe(true);
  expect(draft?.undo?.text.startsWith(forgetLists.text)).toBe(true);
});

test("what a killed replacement left beside a file goes with the next one, and nothing else does", () => {
  const place = mkdtempSync(join(folder, "a place "));
  for (const name of [".imcloud.aB3dE6gH", ".imcloud.conf", "other"]) writeFileSync(join(place, name), "");
  const attributes = { mode: "0600", owner: String(process.getuid?.()), group: String(process.getgid?.()) };
  const { text, files } = replaceFile(join(place, "file"), "new\n", attributes);
  for (const [name, content] of files) writeFileSync(join(folder, name), String(content));
  expect(run(text, { IMCLOUD_FILES: folder })).toMatchObject({ status: 0, stderr: "" });
  expect(readdirSync(place)).toEqual([".imcloud.conf", "file", "other"]);
});

describe("a topic with more copies than brokers have registered", () => {
  const tool = join(folder, "imcloud-kafka");
  const tries = join(folder, "tries");
  const wish = kafkaTopic.schema.parse({ name: "events", partitions: 3, replication: 3 });
  const [draft] = kafkaTopic.diff(wish, absent);
  /** A fake of Kafka's program: it refuses as `refusal` says, as often as that, and then makes the topic. */
  const attempt = (refusal: string, times: number, clock = "date +%s") => {
    writeFileSync(tries, "");
    writeFileSync(
      tool,
      `#!/bin/sh
echo x >> ${tries}
[ "$(wc -l < ${tries})" -gt ${times} ] || { echo "${refusal}" >&2; exit 1; }
echo "Created topic events."
`,
      { mode: 0o755 },
    );
    const text = (draft?.apply.text ?? "false")
      .replaceAll("/usr/local/bin/imcloud-kafka", tool)
      .replaceAll("date +%s", clock)
      .replaceAll("/var/lib/kafka", folder);
    return { ...run(text), tries: readFileSync(tries, "utf8").length / 2 };
  };

  test("is made once the others are there", () => {
    expect(attempt("InvalidReplicationFactorException: only 2 broker(s) are registered", 1)).toMatchObject({
      ...{ status: 0, tries: 2 },
      stdout: "Created topic events.\n",
    });
    expect(readFileSync(join(folder, "imcloud-topic-events"), "utf8")).toBe("partitions=3\nreplication=3\n");
  });

  test("is given up after a while, with what to do", () => {
    const clock = `wc -l < ${tries} | sed 's/$/000/'`;
    const { status, stdout } = attempt("InvalidReplicationFactorException: only 2 broker(s)", 9, clock);
    expect(status).toBe(1);
    expect(stdout).toContain("not all 3 brokers were there within 600 s: start the others");
  });

  test("is not tried again for another reason", () => {
    expect(attempt("TopicAuthorizationException", 9)).toMatchObject({
      ...{ status: 1, tries: 1 },
      stdout: "TopicAuthorizationException\n",
    });
  });
});
