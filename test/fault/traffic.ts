/**
 * People who write into one room while something is done to their server, and the proof that it lost nothing.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Account } from "../bench/server-process.js";

/** A request to the server, wherever it is by now. */
export type Call = (
  method: string,
  path: string,
  token?: string,
  body?: object,
) => Promise<Record<string, unknown>>;

export interface Traffic {
  /** The ids of acknowledged events of each sender, in the order in which they were sent. */
  readonly acknowledged: readonly (readonly string[])[];
  /** Resolves when so many more events have been acknowledged. */
  further(events: number): Promise<void>;
  stop(): Promise<void>;
}

interface Message {
  readonly id: string;
  readonly body: string;
}

export interface Verdict {
  /** Acknowledged and not there. */
  readonly lost: readonly string[];
  /** There twice, under one id or two. */
  readonly repeated: readonly string[];
  /** Senders whose messages do not stand there in the order in which they were sent, from the first on. */
  readonly disordered: readonly number[];
}

export const ALL_THERE: Verdict = { lost: [], repeated: [], disordered: [] };

const RETRY_MS = 20;
const at = encodeURIComponent;

/** Each sender repeats a message under its transaction id until it is acknowledged, as a phone does. */
export function startTraffic(call: Call, people: readonly Account[], roomId: string): Traffic {
  let isOver = false;
  const acknowledged = people.map((): string[] => []);
  const sending = people.map(async ({ token }, sender) => {
    for (let number = 0; !isOver;) {
      const path = `rooms/${at(roomId)}/send/m.room.message/${sender}-${number}`;
      const answer = await call("PUT", path, token, { body: `${sender}:${number}` }).catch(() => undefined);
      if (answer === undefined) {
        await delay(RETRY_MS);
        continue;
      }
      acknowledged[sender]?.push(String(answer["event_id"]));
      number += 1;
    }
  });
  const count = () => acknowledged.reduce((sum, ids) => sum + ids.length, 0);
  return {
    acknowledged,
    further: async (events) => {
      const wanted = count() + events;
      while (count() < wanted) await delay(10);
    },
    stop: async () => {
      isOver = true;
      await Promise.all(sending);
    },
  };
}

/** All messages of a room, oldest first. */
export async function readMessages(
  call: Call,
  { token }: Account,
  roomId: string,
): Promise<readonly Message[]> {
  const found: Message[] = [];
  for (let from = "h1_0"; ;) {
    const page = await call("GET", `rooms/${at(roomId)}/messages?dir=f&limit=1000&from=${from}`, token);
    const chunk = page["chunk"] as { event_id: string; type: string; content: { body?: string } }[];
    found.push(
      ...chunk
        .filter(({ type }) => type === "m.room.message")
        .map(({ event_id: id, content }) => ({ id, body: content.body ?? "" })),
    );
    if (chunk.length === 0 || page["end"] === undefined) return found;
    from = page["end"] as string;
  }
}

/** What is wrong with what the server has, given what it had acknowledged before it was asked. */
export function judge(acknowledged: Traffic["acknowledged"], stored: readonly Message[]): Verdict {
  const ids = stored.map(({ id }) => id);
  const bodies = stored.map(({ body }) => body);
  const there = new Set(ids);
  const twice = (all: readonly string[]) => {
    const firstAt = new Map([...all.entries()].reverse().map(([index, one]) => [one, index]));
    return all.filter((one, index) => firstAt.get(one) !== index);
  };
  return {
    lost: acknowledged.flat().filter((id) => !there.has(id)),
    repeated: [...twice(ids), ...twice(bodies)],
    disordered: acknowledged.flatMap((own, sender) => {
      const written = stored.filter(({ body }) => body.startsWith(`${sender}:`));
      const inOrder =
        written.every(({ body }, number) => body === `${sender}:${number}`) &&
        own.every((id, number) => written[number]?.id === id);
      return inOrder ? [] : [sender];
    }),
  };
}
