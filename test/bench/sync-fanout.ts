/**
 * From a message to the last of those who have a sync waiting for it, against Synapse.
 */
import { join } from "node:path";
import pLimit from "p-limit";
import { packageRoot } from "../../src/shared/package-root.js";
import { generate } from "./generator.js";
import { compared, inTurns, PAIRS, percentile, type Bench } from "./metric.js";
import { sendPath } from "./senders.js";
import { callServer, register, startServerProcess } from "./server-process.js";
import { startSynapse } from "./synapse.js";
import { sized } from "./trial.js";

const LOAD = join(packageRoot(), "test", "bench", "sync-fanout", "load.mjs");
const MEMBERS = sized(500, 40);
const MESSAGES = sized(30, 5);
/** People who come in at a time. */
const AT_ONCE = 16;

interface Plan {
  readonly port: number;
  readonly sender: { readonly token: string; readonly path: string };
  receivers: readonly { readonly token: string; readonly since: string }[];
}

export const syncFanout: Bench = {
  name: "sync-fanout",
  summary: `from a message to the last of ${MEMBERS} members who wait for it, against Synapse`,

  async run(report, say) {
    await using server = await startServerProcess();
    await using synapse = await startSynapse(say);
    const ours = await gather(server.url, server.port);
    say(`${MEMBERS} people enter a room of ${synapse.name}'s`);
    const theirs = await gather(synapse.url, synapse.port);
    say("everybody syncs for the first time");
    await fanOut(ours, 3);
    await fanOut(theirs, 3);
    const pairs = await inTurns(
      PAIRS,
      () => fanOut(ours, MESSAGES),
      () => fanOut(theirs, MESSAGES),
    );
    for (const [name, share, goal] of [
      ["median", 0.5, undefined],
      ["p99", 0.99, { atMost: 0.1 }],
    ] as const) {
      const metric = `message to the last of ${MEMBERS}, ${name} / ${synapse.name}`;
      const figures = pairs.map(({ value, baseline }) => ({
        value: percentile(value, share),
        baseline: percentile(baseline, share),
      }));
      report(
        compared({ bench: "sync-fanout", metric, unit: "ms", ...(goal !== undefined && { goal }) }, figures),
      );
    }
  },
};

/** How long each message took to the last of all, in milliseconds. */
async function fanOut(plan: Plan, messages: number): Promise<readonly number[]> {
  const { lastMs, receivers } = await generate<{
    lastMs: readonly number[];
    receivers: Plan["receivers"];
  }>(LOAD, { ...plan, messages });
  plan.receivers = receivers;
  return lastMs;
}

/** A room with one who speaks and all the others. */
async function gather(url: string, port: number): Promise<Plan> {
  const { token } = await register(url, "speaker");
  const { room_id: made } = await callServer(url, "POST", "createRoom", token, { preset: "public_chat" });
  const roomId = encodeURIComponent(String(made));
  const limit = pLimit(AT_ONCE);
  const receivers = await Promise.all(
    Array.from({ length: MEMBERS }, (_, index) =>
      limit(async () => {
        const member = await register(url, `member${index}`);
        await callServer(url, "POST", `join/${roomId}`, member.token, {});
        return { token: member.token, since: "" };
      }),
    ),
  );
  return {
    port,
    sender: { token, path: sendPath(String(made)) },
    receivers,
  };
}
