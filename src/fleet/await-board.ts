/**
 * A board that was flashed a moment ago: where it is, proved by the host key that was put on its card.
 *
 * Nobody knows its address yet. So everything that might be it is asked for its key: the address in imcloud.yaml, the
 * fixed one, what answers to its name by mDNS, and neighbours whose network card is a Raspberry Pi's.
 */
import { setTimeout as delay } from "node:timers/promises";
import { fingerprintOf } from "../board/host-key.js";
import type { BoardConfig } from "../config/load.js";
import { ImcloudError } from "../shared/errors.js";
import { sshTargetOf, type Connecting } from "./connect.js";
import { discover } from "./discovery.js";

export interface Awaited {
  readonly board: BoardConfig;
  /** Of the keys on its card; one of them must be presented. */
  readonly fingerprints: readonly string[];
  readonly deadlineMs: number;
  /** Says what is being waited for. */
  readonly doing: (what: string) => void;
}

/** Between two rounds: most of them end at once, with nobody there. */
const PAUSE_MS = 2_000;
const CONNECT_TIMEOUT_MS = 4_000;
/** A board in the middle of its first boot takes its time to answer. */
const LOGIN_TIMEOUT_MS = 20_000;

/**
 * @returns the address at which the board proved to be itself
 * @throws ImcloudError `fleet.not-found` after the deadline, with what answered instead
 */
export async function awaitBoard(awaited: Awaited, connecting: Connecting): Promise<string> {
  const { board, fingerprints, deadlineMs, doing } = awaited;
  const until = Date.now() + deadlineMs;
  const others = new Map<string, string>();
  let said = "";
  for (;;) {
    const addresses = await candidates(board);
    const words = `waiting for it at ${addresses.join(", ")}, until ${clock(until)}`;
    if (words !== said) doing(words);
    said = words;
    const keys = await Promise.all(addresses.map((address) => keyAt(board, address, connecting)));
    for (const [index, fingerprint] of keys.entries()) {
      const address = addresses[index] ?? "";
      if (fingerprint === undefined) continue;
      if (fingerprints.includes(fingerprint)) return address;
      others.set(address, fingerprint);
    }
    connecting.signal?.throwIfAborted();
    if (Date.now() >= until) throw notFound(board, addresses, others, deadlineMs);
    await delay(PAUSE_MS, undefined, connecting.signal === undefined ? {} : { signal: connecting.signal });
  }
}

async function candidates(board: BoardConfig): Promise<readonly string[]> {
  const name = board.firstBoot.hostname ?? board.name;
  const fixed = board.firstBoot.ethernet?.address.split("/")[0];
  const found = await discover([name]);
  const likely = found.filter((one) => one.isRaspberryPi || one.name === name).map(({ address }) => address);
  return [...new Set([board.address, ...(fixed === undefined ? [] : [fixed]), ...likely])];
}

/** @returns undefined where nobody answers, or nobody who speaks SSH */
async function keyAt(
  board: BoardConfig,
  address: string,
  connecting: Connecting,
): Promise<string | undefined> {
  const { readHostKey } = await import("../board/ssh-link.js");
  const target = await sshTargetOf({ ...board, address, hostKeys: [] }, connecting.workspace);
  try {
    const key = await readHostKey(target, {
      hostKeys: { file: connecting.workspace.knownHosts, unknown: "refuse" },
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      loginTimeoutMs: LOGIN_TIMEOUT_MS,
      ...(connecting.signal !== undefined && { signal: connecting.signal }),
    });
    return fingerprintOf(key);
  } catch (error) {
    // Not there yet, or still busy with itself: the next round asks again.
    if (error instanceof ImcloudError && (error.code === "board.unreachable" || error.code === "board.lost"))
      return undefined;
    throw error;
  }
}

function notFound(
  board: BoardConfig,
  addresses: readonly string[],
  others: ReadonlyMap<string, string>,
  deadlineMs: number,
): ImcloudError {
  const answered = [...others].map(
    ([address, fingerprint]) => `${address} presents ${fingerprint}, which is not its`,
  );
  return new ImcloudError(
    "fleet.not-found",
    `\`${board.name}\` did not come up in ${Math.round(deadlineMs / 60_000)} minutes`,
    {
      origin: board.origin,
      found: answered.length > 0 ? answered.join("; ") : `no answer at ${addresses.join(", ")}`,
      expected: "the host key that is on its card",
      hint: "see whether the board has power, its card and a network, then run `imcloud apply` with its `address` in imcloud.yaml",
    },
  );
}

const clock = (time: number): string => new Date(time).toTimeString().slice(0, 8);
