/**
 * Telling one pusher one thing, over HTTP.
 * Sources: Matrix Push Gateway API v1.19; MSC4174 (Web Push); RFC 8030.
 */
import pLimit, { type LimitFunction } from "p-limit";
import { isObject, itemsOf, stringOrNone } from "../core/json.js";
import { isUrgent, notificationOf, webPushPayload, type Notice } from "../core/push-payload.js";
import { encryptWebPush, newVapidKey, vapidHeader, WEB_PUSH_BYTES, type VapidKey } from "../core/web-push.js";
import type { Outbound } from "../runtime/outbound.js";
import type { Pusher } from "../store/pushers.js";
import type { Store } from "../store/store.js";
import type { PushGateway } from "./push-gateway.js";

export const NOTIFY_PATH = "/_matrix/push/v1/notify";
/** Kinds of pushers that speak Web Push; the second while MSC4174 is no part of the specification. */
export const WEB_PUSH_KINDS: readonly string[] = ["webpush", "org.matrix.msc4174.webpush"];

const TIMEOUT_MS = 10_000;
/** Requests to one host at once: a slow one has its own queue. */
const PER_HOST = 16;
/** A push service keeps a message for a device that is off: a day, in seconds. */
const KEEP_SECONDS = 86_400;
/** Source: MSC4174, as RFC 8030, section 7.3. */
const GONE = [403, 404, 410];

/** `gone`: there is nobody at that address any more. */
export type Delivery = "sent" | "gone";

/** The other side did not take it; it may later. */
export class UndeliveredError extends Error {
  override readonly name = "UndeliveredError";
}

export class PushDelivery {
  readonly #store: Store;
  readonly #outbound: Outbound;
  readonly #gateway: PushGateway;
  readonly #baseUrl: string;
  readonly #hosts = new Map<string, LimitFunction>();
  #vapid: Promise<VapidKey> | undefined;

  /** @param baseUrl where clients reach this server */
  constructor(store: Store, outbound: Outbound, gateway: PushGateway, baseUrl: string) {
    this.#store = store;
    this.#outbound = outbound;
    this.#gateway = gateway;
    this.#baseUrl = baseUrl.replace(/\/$/, "");
  }

  /** What browsers subscribe for. */
  async publicKey(): Promise<string> {
    return (await this.#vapidKey()).publicKey;
  }

  /** @throws UndeliveredError, or an error of the connection: it is to be tried again */
  deliver(pusher: Pusher, notice: Notice): Promise<Delivery> {
    if (!WEB_PUSH_KINDS.includes(pusher.kind)) return this.#notify(pusher, notice);
    return this.#webPush(pusher, webPushPayload(notice, pusher, WEB_PUSH_BYTES), isUrgent(notice));
  }

  /** Asks a device to show that messages reach it. */
  async sendAck(pusher: Pusher, token: string): Promise<Delivery> {
    return this.#webPush(pusher, JSON.stringify({ app_id: pusher.appId, ack_token: token }), true);
  }

  async #notify(pusher: Pusher, notice: Notice): Promise<Delivery> {
    const url = stringOrNone(pusher.data["url"]) ?? "";
    const notification = notificationOf(notice, pusher);
    // One's own gateway is here, whatever way clients take to it.
    const rejected =
      url === `${this.#baseUrl}${NOTIFY_PATH}`
        ? await this.#gateway.notify(notification)
        : await this.#ask(url, JSON.stringify({ notification }));
    return rejected.includes(pusher.pushkey) ? "gone" : "sent";
  }

  async #ask(url: string, body: string): Promise<readonly unknown[]> {
    const { status, text } = await this.#post(url, { "content-type": "application/json" }, body);
    if (status < 200 || status > 299) throw new UndeliveredError(`answered ${status}`);
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch {
      // It took the message; of whom it knows no more, it did not say.
      return [];
    }
    return isObject(answer) ? itemsOf(answer["rejected"]) : [];
  }

  async #webPush({ data, pushkey }: Pusher, text: string, urgent: boolean): Promise<Delivery> {
    const url = stringOrNone(data["url"]) ?? stringOrNone(data["endpoint"]) ?? "";
    const body = encryptWebPush(Buffer.from(text), {
      p256dh: pushkey,
      auth: stringOrNone(data["auth"]) ?? "",
    });
    const headers = {
      authorization: vapidHeader(url, this.#baseUrl, await this.#vapidKey()),
      "content-encoding": "aes128gcm",
      "content-type": "application/octet-stream",
      ttl: String(KEEP_SECONDS),
      urgency: urgent ? "high" : "low",
    };
    const { status } = await this.#post(url, headers, body);
    if (GONE.includes(status)) return "gone";
    if (status < 200 || status > 299) throw new UndeliveredError(`answered ${status}`);
    return "sent";
  }

  async #post(url: string, headers: Readonly<Record<string, string>>, body: string | Uint8Array) {
    const host = URL.canParse(url) ? new URL(url).host : "";
    const limit = this.#hosts.get(host) ?? pLimit(PER_HOST);
    this.#hosts.set(host, limit);
    try {
      return await limit(() => this.#outbound.post(url, headers, body, TIMEOUT_MS));
    } finally {
      if (limit.activeCount + limit.pendingCount === 0) this.#hosts.delete(host);
    }
  }

  #vapidKey(): Promise<VapidKey> {
    this.#vapid ??= this.#store.secrets
      .keep("vapid", JSON.stringify(newVapidKey()))
      .then((text) => JSON.parse(text) as VapidKey);
    this.#vapid.catch(() => (this.#vapid = undefined));
    return this.#vapid;
  }
}
