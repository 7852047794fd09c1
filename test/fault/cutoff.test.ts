/**
 * A change that locks the operator out undoes itself; one that does not stays.
 */
import { expect, test } from "vitest";
import { applyBoard, planBoard } from "../../src/engine/apply.js";
import type { Transport } from "../../src/board/transport.js";
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { connect } from "../e2e/connect.js";
import { wishes } from "../e2e/wishes.js";

const CONF = "/etc/ssh/sshd_config.d/00-imtest.conf";
/** The setting is gone, and what brought it back has ended: SSH is restarted on the way. */
const UNTIL_UNDONE = `until [ ! -e ${CONF} ] && [ ! -e /etc/systemd/system/imcloud-revert.service ] &&
  [ "$(systemctl is-active imcloud-revert.service)" = inactive ] && systemctl is-active -q ssh; do sleep 0.1; done`;
const CONFIRM_WITHIN_S = 10;

const sshd = (content: string, confirmWithinS = CONFIRM_WITHIN_S) => {
  const items = wishes([
    ["file", { path: CONF, content, notifies: ["ssh.service"], confirmWithinS }],
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

test("the answer to a confirmation is lost: asked again, the board says the same", async () => {
  await using board = await virtualBoard("kitchen");
  const transport = await connect(board);
  let asked = 0;
  const losingTheFirst = async <Result>(task: (transport: Transport) => Promise<Result>): Promise<Result> => {
    const answer = await afresh(board)(task);
    asked += 1;
    if (asked === 1) throw new Error("the connection was lost");
    return answer;
  };
  const result = await applyBoard({ transport, resolve: sshd("X11Forwarding no\n"), afresh: losingTheFirst });
  expect(result.error).toBeUndefined();
  expect(asked).toBe(2);
  expect(await board.sh(`cat ${CONF}`)).toBe("X11Forwarding no");
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
  await board.sh(UNTIL_UNDONE);
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

const LEFT = "ls -d /etc/systemd/system/imcloud-revert.service /var/lib/imcloud/unconfirmed 2>/dev/null || :";
/** Longer than the test needs; in seconds. */
const LONG = 120;

test("killed before it could confirm: the next plan says so, and the next apply confirms", async () => {
  await using board = await virtualBoard("kitchen");
  const resolve = sshd("X11Forwarding no\n", LONG);
  const first = await connect(board);
  // A process that is killed where the confirmation would come never gets to it.
  void applyBoard({ transport: first, resolve, afresh: () => new Promise(() => undefined) });
  await board.sh("until grep -qs 'end done' /var/lib/imcloud/runs/*/journal; do sleep 0.05; done");

  const second = await connect(board);
  const plan = await planBoard({ transport: second, resolve });
  expect(plan.state.unconfirmed).toMatchObject({ title: `create file:${CONF}`, units: ["ssh.service"] });
  const result = await applyBoard({ transport: second, resolve, afresh: afresh(board) });
  expect(result.error).toBeUndefined();
  expect(result.outcome).toBe("changed");
  expect(await board.sh(`${LEFT}; cat ${CONF} /etc/imtest/after`)).toBe("X11Forwarding no\nlater");
  expect((await applyBoard({ transport: second, resolve })).outcome).toBe("unchanged");
  await second.close();
  await first.close();
});

test("killed before the restart: the setting is tried before it is confirmed, and a bad one goes", async () => {
  await using board = await virtualBoard("kitchen");
  const resolve = sshd("AllowUsers nobody-at-all\n", 30);
  // A restart that does not begin, so that the run can be killed before it.
  await board.sh(
    "cat >/usr/local/sbin/systemctl; chmod 0755 /usr/local/sbin/systemctl",
    `#!/bin/sh\n[ "$1 $2" != "restart ssh.service" ] || exec sleep infinity\nexec /usr/bin/systemctl "$@"\n`,
  );
  const first = await connect(board);
  let struck: Promise<string> | undefined;
  const killed = await applyBoard({
    transport: first,
    resolve,
    observer: {
      stepStarted: (_title, index) => {
        if (index === 2) struck = board.sh("systemctl kill -s KILL 'imcloud-run-*.service'");
      },
    },
  });
  await struck;
  expect(killed.error?.code).toBe("engine.interrupted");
  await board.sh("ln -sf /usr/bin/systemctl /usr/local/sbin/systemctl");
  await first.close();

  const second = await connect(board);
  const result = await applyBoard({ transport: second, resolve, afresh: afresh(board) });
  expect(result.error?.code).toBe("engine.reverted");
  await second.close();
  await board.sh(UNTIL_UNDONE);
  await (await connect(board)).close();
});
