/**
 * What else people do while their server is killed, and what it has promised each time that it answered.
 */
import { createHash, randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Account } from "../bench/server-process.js";
import type { Call } from "./traffic.js";

const RETRY_MS = 20;
/** Over several pages of a disk, and small enough for many. */
const UPLOAD_BYTES = 50_000;

export interface MixedLoad {
  /** Resolves when everything that was under way has been answered. */
  stop(): Promise<void>;
  /** @returns each promise that was not kept, in words */
  broken(): Promise<readonly string[]>;
  /** How often something was promised. */
  readonly promises: Readonly<Record<"account data" | "uploads" | "messages to a device" | "syncs", number>>;
}

/**
 * One person keeps counting in their account data, one uploads, one sends numbered messages to the device of another,
 * who syncs: each repeats what was not answered, as a client does.
 *
 * @param url where the server is by now
 */
export function startMixedLoad(
  url: () => string,
  call: Call,
  [counting, uploading, sending, receiving]: readonly [Account, Account, Account, Account],
): MixedLoad {
  let isOver = false;
  const promises = { "account data": 0, uploads: 0, "messages to a device": 0, syncs: 0 };
  const uploads = new Map<string, string>();
  const received: number[] = [];
  let deviceId = "";

  const forEver = async (once: () => Promise<void>) => {
    while (!isOver) {
      const failed = await once().then(
        () => false,
        () => true,
      );
      if (failed) await delay(RETRY_MS);
    }
  };
  const mine = `user/${encodeURIComponent(counting.userId)}/account_data/x.count`;

  const count = () =>
    forEver(async () => {
      await call("PUT", mine, counting.token, { count: promises["account data"] + 1 });
      promises["account data"] += 1;
    });
  const upload = () =>
    forEver(async () => {
      const bytes = randomBytes(UPLOAD_BYTES);
      const response = await fetch(`${url()}/_matrix/media/v3/upload`, {
        method: "POST",
        headers: { authorization: `Bearer ${uploading.token}`, "content-type": "application/octet-stream" },
        body: bytes,
      });
      if (!response.ok) throw new Error(String(response.status));
      const { content_uri: uri } = (await response.json()) as { content_uri: string };
      uploads.set(uri, sha256(bytes));
      promises.uploads += 1;
    });
  const send = async () => {
    deviceId = String((await call("GET", "account/whoami", receiving.token))["device_id"]);
    await forEver(async () => {
      const number = promises["messages to a device"];
      await call("PUT", `sendToDevice/x.count/${number}`, sending.token, {
        messages: { [receiving.userId]: { [deviceId]: { number } } },
      });
      promises["messages to a device"] += 1;
    });
  };
  let since: string | undefined;
  const sync = async (timeoutMs: number) => {
    const from = since === undefined ? "" : `&since=${since}`;
    const answer = await call("GET", `sync?timeout=${timeoutMs}${from}`, receiving.token);
    since = String(answer["next_batch"]);
    const { events } = (answer["to_device"] ?? { events: [] }) as {
      events: { content: { number: number } }[];
    };
    received.push(...events.map(({ content }) => content.number));
    promises.syncs += 1;
    return events.length;
  };

  const work = Promise.all([count(), upload(), send(), forEver(async () => void (await sync(1_000)))]);
  return {
    promises,
    stop: async () => {
      isOver = true;
      await work;
    },
    async broken() {
      const { count: stored } = (await call("GET", mine, counting.token)) as { count: number };
      while ((await sync(0)) > 0);
      const wrong: string[] = [];
      // One more may have been written whose answer was lost.
      if (stored < promises["account data"])
        wrong.push(`account data: ${stored} of ${promises["account data"]}`);
      const expected = received.map((_number, index) => index);
      if (
        JSON.stringify(received) !== JSON.stringify(expected) ||
        received.length < promises["messages to a device"]
      )
        wrong.push(
          `messages to a device: ${received.length} of ${promises["messages to a device"]}, or out of order`,
        );
      for (const [uri, hash] of uploads) {
        const response = await fetch(
          `${url()}/_matrix/client/v1/media/download/${uri.slice("mxc://".length)}`,
          {
            headers: { authorization: `Bearer ${uploading.token}` },
          },
        );
        const bytes = Buffer.from(await response.arrayBuffer());
        if (!response.ok || sha256(bytes) !== hash) wrong.push(`upload ${uri}: ${response.status}`);
      }
      return wrong;
    },
  };
}

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
