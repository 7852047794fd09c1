/**
 * One board of two is off: the other one gets all, and the next run finishes the first.
 */
import { expect, test } from "vitest";
import { virtualBoards } from "../../src/lab/virtual-board.js";
import { operator } from "./operator.js";

const playbook = `
- sysctl: { key: net.core.somaxconn, value: "4096" }
- file: { path: /etc/imtest.conf, content: "board = {{ board.name }}\\n" }
`;

test("a board without power fails alone, and the next run finishes it", async () => {
  await using boards = await virtualBoards(["kitchen", "attic"]);
  const [kitchen, attic] = boards;
  if (kitchen === undefined || attic === undefined) throw new Error("two boards were asked for");
  await using home = await operator({ boards, playbook });

  // One board is off: the other converges, the run says which one failed and why.
  await attic.cutPower();
  const partial = await home.imcloud("apply", "--yes", "--json");
  expect(partial, partial.stderr).toMatchObject({ exitCode: 69 }); // unreachable, and nothing worse
  expect(partial.json["boards"]).toMatchObject({
    kitchen: { outcome: "changed" },
    attic: { outcome: "failed", error: { code: "board.unreachable" } },
  });
  expect(await kitchen.sh("cat /proc/sys/net/core/somaxconn /etc/imtest.conf")).toBe("4096\nboard = kitchen");

  // Power is back: the same command is all it takes.
  await attic.restorePower();
  const rest = await home.imcloud("apply", "--yes", "--json");
  expect(rest, rest.stderr).toMatchObject({ exitCode: 0 });
  expect(rest.json["boards"]).toMatchObject({
    kitchen: { outcome: "unchanged" },
    attic: { outcome: "changed" },
  });

  // Nothing is left to do, and looking changes nothing.
  const before = await Promise.all(boards.map((board) => board.manifest()));
  const settled = await home.imcloud("plan", "--json");
  expect(settled, settled.stdout).toMatchObject({ exitCode: 0 });
  expect(await Promise.all(boards.map((board) => board.manifest()))).toEqual(before);
});

test("the operator's harness finds a text wherever it is", async () => {
  await using boards = await virtualBoards(["kitchen"]);
  await using home = await operator({ boards, playbook, files: { "note.txt": "canary-1234\n" } });
  await boards[0]?.sh("echo canary-1234 >/etc/canary");
  await home.imcloud("plan", "--on", "canary-1234");
  const traces = await home.tracesOf("canary-1234");
  expect(traces).toEqual(["home:note.txt", "kitchen:/etc/canary", "output:plan --on canary-1234"]);
});
