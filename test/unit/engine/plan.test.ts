/**
 * From judgements to a plan: order, waiting, restarts, what is no longer asked for.
 */
import { expect, test } from "vitest";
import { z } from "zod";
import { nothing } from "../../../src/board/script.js";
import { makePlan } from "../../../src/engine/plan.js";
import { parseState, type ProbeAnswer } from "../../../src/engine/probe.js";
import type { Item } from "../../../src/engine/types.js";
import { isSettled } from "../../../src/fleet/plan.js";
import { RESOURCE_TYPES } from "../../../src/resources/registry.js";
import { register, resourceId, type ChangeDraft, type Judgement } from "../../../src/resources/resource.js";
import { FACTS } from "../facts.js";

const Wish = z.object({ key: z.string(), needs: z.string().optional(), unit: z.string().optional() });

/** A type whose judgement is written in the test. */
function scripted(judgements: Readonly<Record<string, Judgement>>) {
  const type = register({
    type: "thing",
    schema: Wish,
    key: ({ key }) => key,
    probe: () => nothing,
    observe: () => new Map(),
    diff: () => [],
    restart: ({ unit }) => ({ unit: unit ?? "", draft: { ...draft, risk: "restart" as const } }),
  });
  return {
    ...type,
    judge: () => new Map(Object.entries(judgements).map(([key, each]) => [resourceId("thing", key), each])),
  };
}

const draft: ChangeDraft = { kind: "update", risk: "none", before: "a", after: "b", apply: nothing };
const todo = (more: Partial<ChangeDraft> = {}): Judgement => ({
  kind: "judged",
  drafts: [{ ...draft, ...more }],
});
const fine: Judgement = { kind: "judged", drafts: [] };
const blind: Judgement = { kind: "unknowable", because: "not yet" };

function plan(
  wishes: readonly (readonly [playbook: string, key: string, unit?: string])[],
  judgements: Readonly<Record<string, Judgement>>,
  managed = "",
) {
  const type = scripted(judgements);
  const items: Item[] = wishes.map(([playbook, key, unit], index) => ({
    kind: "resource",
    resource: {
      type,
      desired: { key, unit },
      id: resourceId("thing", key),
      origin: { file: "p.yaml", line: index },
      playbook,
    },
  }));
  const answer: ProbeAnswer = { facts: FACTS, state: parseState(managed), sections: new Map() };
  return makePlan("pi", items, FACTS, answer);
}

test("behind what cannot be judged its own playbook waits, others go on", () => {
  const made = plan(
    [
      ["one", "a"],
      ["one", "b"],
      ["one", "c"],
      ["two", "d"],
    ],
    { a: todo(), b: blind, c: todo(), d: todo() },
  );
  expect(made.changes.map(({ id }) => id)).toEqual(["thing:a", "thing:d"]);
  expect(made.waiting).toMatchObject([{ title: "thing:b", because: "not yet" }]);
});

test("a resource of which the probe said nothing is unknowable, not absent", () => {
  expect(plan([["one", "a"]], {}).waiting).toHaveLength(1);
});

test("a unit that several changes notify restarts once, where its own resource stands", () => {
  const made = plan(
    [
      ["one", "conf"],
      ["one", "more"],
      ["one", "svc", "x.service"],
      ["one", "last"],
    ],
    {
      conf: todo({ notifies: ["x.service"] }),
      more: todo({ notifies: ["x.service"] }),
      svc: fine,
      last: todo(),
    },
  );
  expect(made.changes.map(({ id, risk }) => `${id} ${risk}`)).toEqual([
    "thing:conf none",
    "thing:more none",
    "thing:svc restart",
    "thing:last none",
  ]);
});

test("a unit that nobody speaks for restarts after everything else", () => {
  const made = plan(
    [
      ["one", "conf"],
      ["one", "b"],
    ],
    { conf: todo({ notifies: ["y.service"] }), b: todo() },
  );
  expect(made.changes.map(({ id }) => id)).toEqual(["thing:conf", "thing:b", "restart:y.service"]);
});

test("a restart whose unit's resource waits, waits with it", () => {
  const made = plan(
    [
      ["one", "conf"],
      ["one", "blind"],
      ["one", "svc", "x.service"],
    ],
    { conf: todo({ notifies: ["x.service"] }), blind, svc: fine },
  );
  expect(made.changes.map(({ id }) => id)).toEqual(["thing:conf"]);
});

test("a restart that is owed since an earlier run: at its unit's resource, or behind everything else", () => {
  const made = plan(
    [
      ["one", "svc", "x.service"],
      ["one", "conf"],
      ["two", "blind"],
      ["two", "later", "z.service"],
    ],
    { svc: fine, conf: todo({ notifies: ["x.service"] }), blind, later: fine },
    "owes x.service\nowes y.service\nowes z.service",
  );
  expect(made.changes.map(({ id, playbook }) => [id, playbook])).toEqual([
    ["thing:svc", "one"],
    ["thing:conf", "one"],
    ["restart:y.service", undefined],
  ]);
  expect(isSettled(plan([], {}, "owes y.service"))).toBe(false);
  expect(isSettled(plan([], {}))).toBe(true);
});

const entry = (id: string) =>
  JSON.stringify({ version: 1, id, since: "r/0001", title: "t", isData: false, revertible: true });

test("what is in the ledger and not asked for is no longer managed", () => {
  expect(
    plan([["one", "a"]], { a: fine }, `${entry("thing:a")}\n${entry("thing:gone")}`).unmanaged,
  ).toMatchObject([{ id: "thing:gone" }]);
});

test("data that nothing asks for any more is no business of --prune's", () => {
  const data = entry("thing:data").replace('"isData":false', '"isData":true');
  expect(plan([["one", "a"]], { a: fine }, `${data}\n${entry("thing:gone")}`).unmanaged).toMatchObject([
    { id: "thing:gone" },
  ]);
});

test("equal plans have equal digests, different ones not", () => {
  const one = plan([["one", "a"]], { a: todo() });
  expect(plan([["one", "a"]], { a: todo() }).digest).toBe(one.digest);
  expect(plan([["one", "a"]], { a: todo({ before: "c" }) }).digest).not.toBe(one.digest);
  expect(plan([["one", "a"]], { a: todo() }, entry("thing:gone")).digest).not.toBe(one.digest);
});

test("the state of the last run is told by its last marker", () => {
  const last = (tail: string) => parseState(`last 20260101-000000-abc ${tail}\n`).last?.outcome;
  expect(last("@imcloud n 1 end done")).toBe("done");
  expect(last("@imcloud n 1 end stopped")).toBe("stopped");
  expect(last("@imcloud n 1 start 0001 create file:/etc/x")).toBe("interrupted");
  expect(last("some output end done")).toBe("interrupted");
  expect(parseState("running r1 n1\n").running).toEqual({ run: "r1", nonce: "n1" });
});

test("what waits for its confirmation is told with its run, its title and its units", () => {
  const state = parseState(
    "unconfirmed 20260101-000000-abc create file:/etc/ssh/x\nread-by ssh.service\nread-by ssh.socket\n",
  );
  expect(state.unconfirmed).toEqual({
    run: "20260101-000000-abc",
    title: "create file:/etc/ssh/x",
    units: ["ssh.service", "ssh.socket"],
  });
});

test("packages of a list that has changed are still asked for, and not pruned", () => {
  const type = RESOURCE_TYPES.get("package");
  if (type === undefined) throw new Error("no packages");
  const managed = ["a-tool,a-database", "other"].map((names) =>
    JSON.stringify({
      ...{ version: 1, id: `package:${names}`, since: "r/1", title: "x" },
      ...{ isData: false, revertible: true },
    }),
  );
  const unmanaged = (...names: string[]) => {
    const desired = type.schema.parse({ names });
    const resource = { type, desired, id: resourceId("package", type.key(desired)), playbook: "own" };
    return makePlan(
      "pi",
      [{ kind: "resource", resource: { ...resource, origin: { file: "p.yaml", line: 1 } } }],
      FACTS,
      {
        ...{ facts: FACTS, state: parseState(managed.join("\n")) },
        sections: new Map([["package", "installed a-tool\ninstalled a-database\nend"]]),
      },
    ).unmanaged.map(({ id }) => id);
  };
  expect(unmanaged("a-tool", "a-database", "third")).toEqual(["package:other"]);
  expect(unmanaged("a-database")).toEqual(["package:other"]);
  expect(unmanaged("third")).toEqual(["package:a-tool,a-database", "package:other"]);
});
