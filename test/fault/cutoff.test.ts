/**
 * A change that locks the operator out undoes itself; one that does not stays.
 */
import { expect, test } from "vitest";
import { applyBoard } from "../../src/engine/apply.js";
import type { Transport } from "../../src/board/transport.js";
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { connect } from "../e2e/connect.js";
import { wishes } from "../e2e/wishes.js";

const CONF = "/etc/ssh/sshd_config.d/00-imtest.conf";
const CONFIRM_WITHIN_S = 10;

const sshd = (content: string) => {
  const items = wishes([
    ["file", { path: CONF, content, notifies: ["ssh.service"], confirmWithinS: CONFIRM_WITHIN_S }],
    ["service", { unit: "ssh.service", port: 22 }],
    ["file", { path: "/etc/imtest/after", content: "later\n" }],
  ]);
  return () => Promise.resolve(items);
};

const afresh =
  (board: VirtualBoard) =>
  async <Result>(task: (transport: Transport) => Promise<Result>): Promise<Result> => {
    const transport = await connect(board);
    return task(transport).finally(() => transport.close());
  };

test("a setting that leaves the board reachable is confirmed, and the rest follows in a wave of its own", async () => {
  await using board = await virtualBoard("kitchen");
  const transport = await connect(board);
  const result = await applyBoard({ transport, resolve: sshd("X11Forwarding no\n"), afresh: afresh(board) });
  expect(result.error).toBeUndefined();
  expect(result.waves.map(({ steps }) => steps.map(({ title }) => title))).toEqual([
    [`create file:${CONF}`, "update service:ssh.service"],
    ["create file:/etc/imtest/after"],
  ]);
  expect(
    await board.sh(
      "ls /etc/systemd/system/imcloud-revert.service /var/lib/imcloud/unconfirmed 2>/dev/null || :",
    ),
  ).toBe("");
  await transport.close();
});

test("a setting that locks everybody out is undone, and the board answers again", async () => {
  await using board = await virtualBoard("kitchen");
  const transport = await connect(board);
  const result = await applyBoard({
    transport,
    resolve: sshd("AllowUsers nobody-at-all\n"),
    afresh: afresh(board),
  });
  expect(result.error?.code).toBe("engine.reverted");
  await transport.close();
  await board.sh(
    `until [ ! -e ${CONF} ] && [ ! -e /etc/systemd/system/imcloud-revert.service ]; do sleep 0.1; done`,
  );
  await board.untilReady();
  expect(await board.sh("systemctl is-active ssh")).toBe("active");
});

test("a power cut before the confirmation undoes it at the next boot", async () => {
  await using board = await virtualBoard("kitchen");
  const transport = await connect(board);
  // The cut comes where the confirmation would.
  const cut = async (): Promise<never> => {
    await board.cutPower();
    throw new Error("the power is gone");
  };
  const result = await applyBoard({ transport, resolve: sshd("AllowUsers nobody-at-all\n"), afresh: cut });
  expect(result.error?.code).toBe("engine.reverted");
  await transport.close();
  await board.restorePower();
  await board.sh(`until [ ! -e ${CONF} ]; do sleep 0.1; done`);
  await (await connect(board)).close();
});
