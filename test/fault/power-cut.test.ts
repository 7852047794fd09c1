/**
 * What the server has acknowledged survives a power cut, on an aarch64 board whose page cache dies with it.
 *
 * The board is emulated: its end is that of an emulator, with all that was written and not flushed. The control is
 * the same server with `synchronous: off`, which must lose what it acknowledged.
 *
 * One cut; IMCLOUD_FAULT=long cuts twenty times.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { emulatedBoard, type EmulatedBoard } from "../../src/lab/emulated-board.js";
import type { Account } from "../bench/server-process.js";
import { operator, type Operator } from "../e2e/operator.js";
import { callOverTls, commonRoom, signUp, untilServing } from "./cloud-client.js";
import { BUILD_MS, describeEmulated, IS_LONG, STEP_MS } from "./emulated.js";
import { ALL_THERE, judge, readMessages, startTraffic, type Call } from "./traffic.js";

const CUTS = IS_LONG ? 20 : 1;
const SENDERS = 4;
const EVENTS_PER_CUT = 40;
const PORT = 8448;

const say = (line: string) => process.stderr.write(`power cuts: ${line}\n`);

describeEmulated("a board without power", () => {
  let board: EmulatedBoard;
  let home: Operator;
  let call: Call;
  let people: readonly Account[];

  const reader = (): Account => {
    const [first] = people;
    if (first === undefined) throw new Error("nobody has signed up");
    return first;
  };

  beforeAll(async () => {
    board = await emulatedBoard("pi-1", { forwards: [PORT] });
    home = await operator({
      boards: [board],
      playbooks: ["tuning", "imserver"],
      config: { cloud: { name: "test", broker: "none" }, vars: { registration: "open" } },
    });
  }, BUILD_MS);
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await board[Symbol.asyncDispose]();
  });

  test(
    "`apply` deploys the IM server on aarch64, and an event comes back from it",
    async () => {
      const applied = await home.imcloud("apply", "--yes", { deadlineMs: STEP_MS });
      expect(applied.exitCode, applied.stderr).toBe(0);
      expect(await board.sh("uname -m; /opt/imcloud/bun -p process.arch")).toBe("aarch64\narm64");
      expect(await board.sh("imcloud-server probe --json")).toContain('"ok":true');

      call = callOverTls(`https://${board.address}:${PORT}`, await home.read(".imcloud/authority/ca.pem"));
      people = await signUp(
        call,
        Array.from({ length: SENDERS }, (_, index) => `sender${index}`),
      );
      const { token } = reader();
      const roomId = await commonRoom(call, people);
      const path = `rooms/${encodeURIComponent(roomId)}/send/m.room.message/1`;
      const { event_id: id } = await call("PUT", path, token, { body: "0:0" });
      expect(await readMessages(call, reader(), roomId)).toEqual([{ id, body: "0:0" }]);
    },
    STEP_MS,
  );

  test(
    `${CUTS} power cuts with writes in flight: everything acknowledged is there, in order, once`,
    async () => {
      const roomId = await commonRoom(call, people);
      const traffic = startTraffic(call, people, roomId);
      try {
        for (let cut = 0; cut < CUTS; cut += 1) {
          await traffic.further(EVENTS_PER_CUT);
          await board.cutPower();
          const acknowledged = traffic.acknowledged.map((ids) => [...ids]);
          await board.restorePower();
          await traffic.further(1);
          const stored = await readMessages(call, reader(), roomId);
          expect(judge(acknowledged, stored), `after cut ${cut + 1}`).toEqual(ALL_THERE);
          say(
            `cut ${cut + 1} of ${CUTS}: all of ${acknowledged.flat().length} acknowledged events are there`,
          );
        }
      } finally {
        await traffic.stop();
      }
      const stored = await readMessages(call, reader(), roomId);
      expect(judge(traffic.acknowledged, stored)).toEqual(ALL_THERE);
      expect(await board.sh("systemctl --failed --no-legend")).toBe("");
    },
    CUTS * STEP_MS,
  );

  test(
    "and the test would see it if it were not",
    async () => {
      await board.sh(
        `sed -i 's/"kind": "sqlite",/& "synchronous": "off",/' /etc/imcloud/server.json
         grep -q '"synchronous": "off"' /etc/imcloud/server.json
         systemctl restart imcloud-server; sync`,
      );
      await untilServing(call, reader());
      const roomId = await commonRoom(call, people);
      await board.sh("sync");
      const traffic = startTraffic(call, people, roomId);
      await traffic.further(EVENTS_PER_CUT);
      await board.cutPower();
      const acknowledged = traffic.acknowledged.map((ids) => [...ids]);
      await traffic.stop();
      await board.restorePower();
      await untilServing(call, reader());
      const stored = await readMessages(call, reader(), roomId);
      const { lost } = judge(acknowledged, stored);
      expect(lost).not.toEqual([]);
      say(
        `with \`synchronous: off\`, ${lost.length} of ${acknowledged.flat().length} acknowledged events are lost`,
      );
    },
    STEP_MS,
  );
});
