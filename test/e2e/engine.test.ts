/**
 * The engine on a real board: apply, the law of two execs, and back to where it began.
 */
import { createHash } from "node:crypto";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { applyBoard, newRun, planBoard } from "../../src/engine/apply.js";
import { sh } from "../../src/board/script.js";
import type { Transport } from "../../src/board/transport.js";
import { compileRun, type Step } from "../../src/engine/compile.js";
import { follow } from "../../src/engine/follow.js";
import { revertAll } from "../../src/engine/revert.js";
import type { BoardResult, Item, RunObserver } from "../../src/engine/types.js";
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { Secret } from "../../src/shared/secret.js";
import { connect } from "./connect.js";
import { settledFiles, wishes } from "./wishes.js";

let folder = "";
let board: VirtualBoard;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-engine-"));
  board = await virtualBoard("kitchen");
});
afterAll(async () => {
  await board[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function manyWishes(): Promise<readonly Item[]> {
  const path = join(folder, "artifact");
  await writeFile(path, "an artifact\n");
  const source = {
    path,
    sizeBytes: (await stat(path)).size,
    sha256: createHash("sha256").update("an artifact\n").digest("hex"),
  };
  const unit = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n";
  const inputs: readonly (readonly [string, unknown])[] = [
    ["user", { name: "imtest", home: "/var/lib/imtest" }],
    ["directory", { path: "/var/lib/imtest", owner: "imtest", group: "imtest", mode: "0750" }],
    ["file", { path: "/etc/imtest/deep/a file's name", content: "quote ' and $dollar\n" }],
    [
      "file",
      { path: "/etc/imtest/secret", content: new Secret("hush"), mode: "0600", notifies: ["imtest.service"] },
    ],
    ["line", { path: "/etc/hosts", line: "192.0.2.7 elsewhere" }],
    ["sysctl", { key: "net.ipv4.tcp_fin_timeout", value: "42" }],
    ["artifact", { path: "/opt/imtest/tool", source, mode: "0755" }],
    [
      "command",
      {
        name: "mark",
        unless: "test -e /etc/imtest/mark",
        run: "touch /etc/imtest/mark",
        undo: "rm -f /etc/imtest/mark",
      },
    ],
    ["file", { path: "/etc/systemd/system/imtest.service", content: unit, notifies: ["imtest.service"] }],
    ["service", { unit: "imtest.service" }],
    ["package", { names: ["hello"] }],
  ];
  return wishes(inputs);
}

test("a list of wishes comes true, costs one exec when true, and can be taken back", async () => {
  const transport = await connect(board);
  const items = await manyWishes();
  const before = await board.manifest();
  const titles: string[] = [];

  const first = await applyBoard({
    transport,
    resolve: () => Promise.resolve(items),
    observer: { stepEnded: ({ title }) => titles.push(title) },
  });
  expect(first.error?.details.found ?? first.error).toBeUndefined();
  expect(first.outcome).toBe("changed");
  expect(first.waves).toHaveLength(1);
  expect(titles).toContain("create service:imtest.service");
  expect(await board.sh("cat '/etc/imtest/deep/a file'\\''s name'; cat /etc/imtest/secret")).toBe(
    "quote ' and $dollar\nhush",
  );
  expect(
    await board.sh("systemctl is-active imtest; cat /proc/sys/net/ipv4/tcp_fin_timeout; hello -t"),
  ).toMatch(/^active\n42\n/);
  expect(await board.sh("ls /var/lib/imcloud/pending")).toBe("");
  await transport.close();

  // The law: one handshake, and one exec when the remembered facts hold.
  const again = await connect(board);
  const settled = await applyBoard({
    transport: again,
    resolve: () => Promise.resolve(items),
    ...(first.facts && { rememberedFacts: first.facts }),
  });
  expect(settled.outcome).toBe("unchanged");
  expect(again.counts).toEqual({ handshakes: 1, execs: 1 });

  // What somebody else changed is seen and mended; a service whose file changed restarts once.
  await board.sh("echo tampered > /etc/imtest/secret; chown imtest /etc/imtest/secret");
  const repaired = await applyBoard({ transport: again, resolve: () => Promise.resolve(items) });
  expect(repaired.waves[0]?.steps.map(({ title }) => title)).toEqual([
    "update file:/etc/imtest/secret",
    "update service:imtest.service",
  ]);

  const { state } = await planBoard({ transport: again, resolve: () => Promise.resolve(items) });
  const handle = newRun();
  const steps = revertAll(state.managed, { withData: true });
  const reverted = await follow(again, compileRun(steps, handle), handle, {
    observer: {},
    deadlineMs: 120_000,
  });
  expect(reverted.steps.filter(({ outcome }) => outcome !== "done")).toEqual([]);
  expect(settledFiles(await board.manifest())).toEqual(settledFiles(before));
  await again.close();
});

const takeBack = async (transport: Transport, items: readonly Item[]) => {
  const { state } = await planBoard({ transport, resolve: () => Promise.resolve(items) });
  const handle = newRun();
  const said: string[] = [];
  const { outcome } = await follow(
    transport,
    compileRun(revertAll(state.managed, { withData: true }), handle),
    handle,
    { observer: { output: (line) => said.push(line) }, deadlineMs: 120_000 },
  );
  return { outcome, said: said.join("\n") };
};

test("packages that dpkg was killed over are taken back, whatever it left of them", async () => {
  const transport = await connect(board);
  const items = wishes([["package", { names: ["hello", "jq"] }]]);
  const applied = await applyBoard({ transport, resolve: () => Promise.resolve(items) });
  expect(applied.error?.details.found).toBeUndefined();
  const states = {
    hello: "half-configured",
    jq: "unpacked",
    libjq1: "half-installed",
    libonig5: "unpacked",
  };
  for (const [name, left] of Object.entries(states)) {
    const status = `install ${left === "half-installed" ? "reinstreq" : "ok"} ${left}`;
    await board.sh(`sed -i '/^Package: ${name}$/,/^$/s/^Status: .*/Status: ${status}/' /var/lib/dpkg/status`);
  }
  expect(await takeBack(transport, items)).toMatchObject({ outcome: "done" });
  expect(await board.sh("dpkg-query -W hello jq libjq1 libonig5 2> /dev/null || :")).toBe("");
  await transport.close();
});

test("a package that came along stays, with what it needs, once somebody marks it as wanted", async () => {
  const transport = await connect(board);
  const items = wishes([["package", { names: ["jq"] }]]);
  await applyBoard({ transport, resolve: () => Promise.resolve(items) });
  await board.sh("apt-mark manual libjq1");
  const { outcome, said } = await takeBack(transport, items);
  expect(outcome).toBe("done");
  expect(said).toContain("libjq1 is kept, because somebody has marked it as manually installed");
  expect(said).toContain("libonig5 is kept, because what needs it is kept or is not imcloud's: libjq1");
  expect(await board.sh("dpkg-query -W -f '${Package} ' jq libjq1 libonig5 2> /dev/null || :")).toBe(
    "libjq1 libonig5 ",
  );
  await board.sh("apt-get -q -y purge libjq1 libonig5");
  await transport.close();
});

test("a package that somebody's later one needs is kept when it is taken back; the others go", async () => {
  const transport = await connect(board);
  const items = wishes([["package", { names: ["libonig5", "hello"] }]]);
  const applied = await applyBoard({ transport, resolve: () => Promise.resolve(items) });
  expect(applied.error?.details.found).toBeUndefined();
  await board.sh("apt-get -q -y install jq");

  const { outcome, said } = await takeBack(transport, items);
  expect(outcome).toBe("done");
  expect(said).toMatch(/libonig5 is kept, because what needs it is kept or is not imcloud's: (jq|libjq1) /);
  expect(await board.sh("jq -n 1; dpkg-query -W hello 2>/dev/null || :")).toBe("1");
  await board.sh("apt-get -q -y purge jq libjq1 libonig5");
  await transport.close();
});

test("prune takes back what the first plan showed, not what a later wave finds", async () => {
  const transport = await connect(board);
  const file = (name: string) => ["file", { path: `/etc/imtest/${name}`, content: name }] as const;
  await applyBoard({ transport, resolve: () => Promise.resolve(wishes([file("old")])) });

  // Until the first wave is through, nobody can say that nothing asks for the old file.
  let isKnown = false;
  const origin = { file: "test.yaml", line: 2 };
  const later: Item = { kind: "deferred", playbook: "other", origin, title: "later", because: "not yet" };
  const resolve = () => Promise.resolve([...wishes([file("new")]), ...(isKnown ? [] : [later])]);
  const kept: string[] = [];
  const observer = {
    stepEnded: () => void (isKnown = true),
    notPruned: (ids: readonly string[]) => void kept.push(...ids),
  };
  const first = await applyBoard({ transport, resolve, prune: true, observer });
  expect(first).toMatchObject({
    outcome: "changed",
    waves: [{ steps: [{ title: "create file:/etc/imtest/new" }] }],
  });
  expect(kept).toEqual(["file:/etc/imtest/old"]);
  expect(await board.sh("cat /etc/imtest/old")).toBe("old");

  expect((await applyBoard({ transport, resolve, prune: true })).outcome).toBe("changed");
  expect(await board.sh("ls /etc/imtest")).toBe("new");
  await transport.close();
});

test("a step that hangs is stopped, and the run says so and lets go of the board", async () => {
  const transport = await connect(board);
  const hangs = { name: "hang", unless: "test -e /run/hung", run: "echo begun; sleep infinity", withinS: 1 };
  const resolve = () => Promise.resolve(wishes([["command", hangs]]));
  const result = await applyBoard({ transport, resolve });
  expect(result.outcome).toBe("failed");
  expect(result.error?.code).toBe("engine.step-failed");
  expect(result.error?.details.found).toBe("exit code 124\nbegun\nstopped: it had not ended after 1 s");
  expect(await board.sh("systemctl list-units -q --no-legend 'imcloud-run-*'")).toBe("");

  const quick = { ...hangs, run: "touch /run/hung" };
  expect(
    (await applyBoard({ transport, resolve: () => Promise.resolve(wishes([["command", quick]])) })).outcome,
  ).toBe("changed");
  await transport.close();
});

test("a run that an apply joins is in its result, as if it were its own", async () => {
  const [one, other] = [await connect(board), await connect(board)];
  const items = wishes([
    [
      "command",
      {
        name: "wait",
        unless: "test -e /run/joined",
        run: "until [ -e /run/joined ]; do sleep 0.05; done",
      },
    ],
  ]);
  const resolve = () => Promise.resolve(items);
  const numbers: number[] = [];
  let first: Promise<BoardResult> | undefined;
  await new Promise<void>((started) => {
    first = applyBoard({ transport: one, resolve, observer: { stepStarted: () => started() } });
  });
  const joined = await applyBoard({
    transport: other,
    resolve,
    observer: {
      attached: () => void board.sh("touch /run/joined"),
      planned: (_plan, number) => numbers.push(number),
    },
  });
  expect(joined).toMatchObject({
    outcome: "changed",
    waves: [{ steps: [{ title: "create command:wait", outcome: "done" }] }],
  });
  expect(joined.waves).toEqual((await first)?.waves);
  expect(numbers).toEqual([1]);
  await Promise.all([one.close(), other.close()]);
});

const tried = async (steps: readonly Step[], signal?: AbortSignal, observer: RunObserver = {}) => {
  const transport = await connect(board);
  const handle = newRun();
  const followed = await follow(transport, compileRun(steps, handle), handle, {
    observer,
    deadlineMs: 60_000,
    ...(signal && { signal }),
  });
  await transport.close();
  return followed;
};

test("a stop is one run's: another that starts meanwhile neither takes it away nor obeys it", async () => {
  const stop = new AbortController();
  const long = tried(
    [
      { title: "wait", apply: sh`until [ -e /run/go-on ]; do sleep 0.05; done` },
      { title: "never", apply: sh`touch /run/never` },
    ],
    stop.signal,
    { stepStarted: () => stop.abort() },
  );
  await board.sh("until ls /run/imcloud/stop* 2> /dev/null; do sleep 0.05; done");
  expect((await tried([{ title: "other", apply: sh`:` }])).outcome).toBe("locked");
  await board.sh("touch /run/go-on");
  expect(await long).toMatchObject({ outcome: "stopped", steps: [{ title: "wait" }] });
  expect((await tried([{ title: "next", apply: sh`:` }])).outcome).toBe("done");
  expect(await board.sh("ls /run/imcloud /run/never 2> /dev/null || :")).not.toMatch(/stop|never/);
});

test("an old artifact stays while a rollback needs it, and goes then", async () => {
  const transport = await connect(board);
  const applyVersion = async (version: string): Promise<string> => {
    const path = join(folder, version);
    await writeFile(path, version);
    const sha256 = createHash("sha256").update(version).digest("hex");
    const source = { path, sizeBytes: version.length, sha256 };
    const items = wishes([["artifact", { path: "/opt/imtest/tool", source }]]);
    expect(await applyBoard({ transport, resolve: () => Promise.resolve(items) })).toMatchObject({
      outcome: "changed",
    });
    return sha256;
  };
  const stored = () => board.sh("ls /opt/imcloud/store").then((names) => names.split("\n").toSorted());
  await board.sh("rm -rf /var/lib/imcloud/runs/* /opt/imcloud/store");
  const age = () => board.sh("touch -d '2 days ago' /opt/imcloud/store/*");

  const one = await applyVersion("one");
  const two = await applyVersion("two");
  await age();
  const three = await applyVersion("three");
  expect(await stored()).toEqual([one, two, three].toSorted());

  // The run that replaced the first is not kept any more.
  await age();
  await board.sh("cd /var/lib/imcloud/runs && ls | head -n 2 | xargs rm -r");
  const four = await applyVersion("four");
  expect(await stored()).toEqual([two, three, four].toSorted());

  await age();
  await board.sh("rm -r /var/lib/imcloud/runs/*");
  expect((await tried([{ title: "other", apply: sh`:` }])).outcome).toBe("done");
  expect(await stored()).toEqual([four]);
  expect(await board.sh("cat /opt/imtest/tool")).toBe("four");
  await transport.close();
});
