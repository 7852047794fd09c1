/**
 * Connections that send messages as fast as the answers come, one at a time on each.
 */
import { join } from "node:path";
import { packageRoot } from "../../src/shared/package-root.js";
import { generate } from "./generator.js";

const LOAD = join(packageRoot(), "test", "bench", "send", "load.mjs");

/** One connection that sends. */
export interface Sender {
  readonly token: string;
  /** To which a transaction id is appended. */
  readonly path: string;
}

/** What became of a load; `failed` is always 0. */
export interface Load {
  readonly sent: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Where messages are sent to; a transaction id is appended. */
export const sendPath = (roomId: string): string =>
  `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.message/`;

/**
 * @param isVaried whether each message is another one; else all are the same, which costs the generator nothing
 * @throws Error when a message was refused
 */
export async function load(
  port: number,
  senders: readonly Sender[],
  seconds: number,
  isVaried = false,
): Promise<Load> {
  const result = await generate<Load>(LOAD, { port, seconds, senders, isVaried });
  if (result.failed > 0) throw new Error(`${result.failed} messages were refused`);
  return result;
}
