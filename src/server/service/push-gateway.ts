/**
 * The server's own push gateway, for UnifiedPush: it passes notifications on to the distributor that a phone has
 * chosen, whose address is the push key. So a private cloud needs nobody else's gateway.
 *
 * It serves the push keys of this server's own pushers: it is nobody else's way to send requests about.
 * Sources: Matrix Push Gateway API v1.19; UnifiedPush, "Server to Push Server", "Gateway Matrix".
 */
import { isObject, itemsOf, stringOrNone, type JsonObject } from "../core/json.js";
import type { Outbound } from "../runtime/outbound.js";
import type { Store } from "../store/store.js";
import { Failure } from "./failure.js";

/** What a distributor takes. */
const MOST_BYTES = 4_096;
const TIMEOUT_MS = 10_000;
/** A distributor keeps it for a phone that is off: a day, in seconds. */
const KEEP_SECONDS = 86_400;
/** What a distributor says of an address that it does not have, or not any more. */
const GONE = [400, 403, 404, 405, 410];

export class PushGateway {
  readonly #store: Store;
  readonly #outbound: Outbound;

  constructor(store: Store, outbound: Outbound) {
    this.#store = store;
    this.#outbound = outbound;
  }

  /**
   * @returns the push keys that are none
   * @throws Failure M_UNKNOWN (502) when one is, and could not be reached: it is to be sent again
   */
  async notify(notification: JsonObject): Promise<string[]> {
    const rejected: string[] = [];
    let missed = 0;
    for (const device of itemsOf(notification["devices"])) {
      const pushkey = isObject(device) ? stringOrNone(device["pushkey"]) : undefined;
      if (pushkey === undefined) continue;
      const outcome = await this.#relay(pushkey, bodyOf(notification));
      if (outcome === "rejected") rejected.push(pushkey);
      if (outcome === "missed") missed += 1;
    }
    if (missed > 0) throw new Failure("M_UNKNOWN", "the distributor cannot be reached", { status: 502 });
    return rejected;
  }

  async #relay(pushkey: string, body: string): Promise<"sent" | "rejected" | "missed"> {
    if (!this.#outbound.mayAsk(pushkey) || !(await this.#store.pushers.isKnown(pushkey))) return "rejected";
    const headers = { "content-type": "application/json", ttl: String(KEEP_SECONDS), urgency: "normal" };
    const answer = await this.#outbound.post(pushkey, headers, body, TIMEOUT_MS).catch(() => undefined);
    if (answer === undefined) return "missed";
    if (answer.status >= 200 && answer.status < 300) return "sent";
    return GONE.includes(answer.status) ? "rejected" : "missed";
  }
}

/** Without the devices: each learns of its own message. What is too long, the phone fetches. */
function bodyOf(notification: JsonObject): string {
  const { devices: _devices, ...rest } = notification;
  const text = JSON.stringify({ notification: rest });
  if (Buffer.byteLength(text) <= MOST_BYTES) return text;
  const { event_id, room_id, counts, prio } = rest;
  return JSON.stringify({ notification: { event_id, room_id, counts, prio } });
}
