/**
 * Chat beside an upload that fills the line, with the queues that `qos` sets and without them.
 *
 * Line, modem and clients are network namespaces of one virtual board, whose kernel has htb and no cake: the lower of
 * the two that a board may come to. The modem keeps a second of data, as they do.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { packageRoot } from "../../src/shared/package-root.js";
import { operator } from "../e2e/operator.js";
import { callOverTls, commonRoom, signUp } from "../fault/cloud-client.js";
import { compared, inTurns, measured, PAIRS, type Bench } from "./metric.js";
import { settle } from "./settled.js";

const FOLDER = join(packageRoot(), "test", "bench", "qos");
const PEOPLE = 4;
const SECONDS = 10;
const EVERY_MS = 100;
const LINE = { address: "10.77.0.1", uploadPort: 9000, flows: 4 };
const PORT = 8448;

interface Chat {
  readonly sent: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly bulkKbit: number;
}

export const qos: Bench = {
  name: "qos",
  summary: "p99 of chat sends while an upload fills a line of 20 Mbit/s: with `qos`, without, and idle",

  async run(report, say) {
    await using board = await virtualBoard("qos");
    await board.sh(await readFile(join(FOLDER, "line.sh"), "utf8"));
    await using home = await operator({
      boards: [board],
      playbooks: ["qos", "imserver"],
      config: {
        cloud: { name: "test", broker: "none" },
        vars: { registration: "open", qos: { device: "line", uplink: "20mbit" } },
      },
    });
    say("applying `qos` and `imserver`");
    await settle(home);
    const plan = await chatPlan(board, await home.read(".imcloud/authority/ca.pem"));

    const chat = async (isFull: boolean, isShaped: boolean): Promise<Chat> => {
      await board.sh(`imcloud-qos ${isShaped ? "start" : "stop"}`);
      const bulk = isFull ? { port: LINE.uploadPort, flows: LINE.flows } : null;
      // This machine's Node.js, in the namespace where clients are.
      const { stdout: answer } = await execa(
        "nsenter",
        [`--net=${await board.hostPath("/run/netns/world")}`, process.execPath, join(FOLDER, "chat.mjs")],
        { input: JSON.stringify({ ...plan, bulk }) },
      );
      const result = JSON.parse(answer) as Chat;
      say(`${isFull ? "full" : "idle"}, ${isShaped ? "with" : "without"}: ${answer}`);
      return result;
    };
    await chat(false, false); // both start warm

    const loads: number[] = [];
    const withAndWithout = await inTurns(
      PAIRS,
      async () => {
        const { p99Ms, bulkKbit } = await chat(true, true);
        loads.push(bulkKbit / 1000);
        return p99Ms;
      },
      async () => (await chat(true, false)).p99Ms,
    );
    const heading = { bench: "qos", unit: "ms" };
    report(
      compared(
        { ...heading, metric: "p99 on a full line, with `qos` / without", goal: { atMost: 0.1 } },
        withAndWithout,
      ),
    );
    report(
      measured(
        { bench: "qos", metric: "the upload beside it, with `qos`", unit: "Mbit/s", goal: { atLeast: 15 } },
        loads,
      ),
    );
    const fullAndIdle = await inTurns(
      PAIRS,
      async () => (await chat(true, true)).p99Ms,
      async () => (await chat(false, true)).p99Ms,
    );
    report(
      compared({ ...heading, metric: "p99 with `qos`, full line / idle", goal: { atMost: 2 } }, fullAndIdle),
    );
  },
};

/** Accounts in one room, and where they find it. */
async function chatPlan(board: VirtualBoard, ca: string) {
  const call = callOverTls(`https://${board.address}:${PORT}`, ca);
  const people = await signUp(
    call,
    Array.from({ length: PEOPLE }, (_, index) => `sender${index}`),
  );
  const path = `/_matrix/client/v3/rooms/${encodeURIComponent(await commonRoom(call, people))}/send/m.room.message/`;
  return {
    ...{ host: LINE.address, port: PORT, ca, seconds: SECONDS, everyMs: EVERY_MS },
    senders: people.map(({ token }) => ({ token, path })),
  };
}
