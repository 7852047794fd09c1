/**
 * Setting pushers, as far as it is judged and not only stored.
 * Sources: Matrix client-server API v1.19, "Push Notifications"; MSC4174 (Web Push, with its proof that messages arrive).
 */
import { randomUUID } from "node:crypto";
import { stringOrNone } from "../core/json.js";
import { areKeys } from "../core/web-push.js";
import type { Log } from "../runtime/log.js";
import type { Outbound } from "../runtime/outbound.js";
import type { NewPusher, Pusher } from "../store/pushers.js";
import type { Store } from "../store/store.js";
import { Failure, invalid, notFound } from "./failure.js";
import { NOTIFY_PATH, WEB_PUSH_KINDS, type PushDelivery } from "./push-delivery.js";

/** Pushers of one user: each is a request more for every message to them. */
const MOST = 50;
/** How long a device has to show that messages arrive, in milliseconds. */
const ACK_MS = 5 * 60_000;

export class Pushers {
  readonly #store: Store;
  readonly #outbound: Outbound;
  readonly #delivery: PushDelivery;
  readonly #log: Log;

  constructor(store: Store, outbound: Outbound, delivery: PushDelivery, log: Log) {
    this.#store = store;
    this.#outbound = outbound;
    this.#delivery = delivery;
    this.#log = log;
  }

  /**
   * @returns whether the pusher waits for the device's proof
   * @throws Failure M_INVALID_PARAM for what nothing could be sent to
   */
  async set(pusher: NewPusher, append: boolean): Promise<boolean> {
    const isWebPush = WEB_PUSH_KINDS.includes(pusher.kind);
    if (isWebPush) this.#assertWebPush(pusher);
    else this.#assertHttp(pusher);
    const old = (await this.#store.pushers.of(pusher.userId)).find(
      ({ appId, pushkey }) => appId === pusher.appId && pushkey === pusher.pushkey,
    );
    const isActive = !isWebPush || (old?.isActive === true && isSameTarget(old, pusher));
    const token = randomUUID();
    const id = old?.id ?? randomUUID();
    const now = Date.now();
    const isSet = await this.#store.pushers.set({
      ...pusher,
      ...{ id, now, append, most: MOST, isActive },
      ...(!isActive && { ack: { token, until: now + ACK_MS } }),
    });
    if (!isSet) throw invalid(`an account has at most ${MOST} pushers`);
    if (!isActive) this.#sendAck({ ...pusher, id, setAt: now, position: 0, isActive }, token);
    return !isActive;
  }

  /** @throws Failure as MSC4174 has them */
  async activate(userId: string, appId: string, token: string): Promise<void> {
    switch (await this.#store.pushers.activate(userId, appId, token)) {
      case "no-pusher":
        throw notFound("there is no pusher of this app");
      case "unknown":
        throw new Failure("M_UNKNOWN_ACTIVATION_TOKEN", "the token is none of this pusher's");
      case "expired":
        throw new Failure("M_EXPIRED_ACTIVATION_TOKEN", "the token has expired: set the pusher again");
      case "done":
    }
  }

  /** Not within the request: the device may be slow to reach. What fails, the client asks for by setting it again. */
  #sendAck(pusher: Pusher, token: string): void {
    this.#delivery.sendAck(pusher, token).then(
      (delivery) => (delivery === "gone" ? this.#store.pushers.delete(pusher) : undefined),
      (error: unknown) => this.#log.debug("a pusher's proof was not delivered", { pusher: pusher.id, error }),
    );
  }

  #assertHttp({ kind, data }: NewPusher): void {
    if (kind !== "http") throw invalid(`\`kind\`: there are no pushers of kind \`${kind}\` here`);
    const url = stringOrNone(data["url"]) ?? "";
    if (!this.#outbound.mayAsk(url))
      throw invalid("`data.url`: an HTTPS URL on the internet, or in a network that the operator allows");
    if (new URL(url).pathname !== NOTIFY_PATH) throw invalid(`\`data.url\`: its path is ${NOTIFY_PATH}`);
  }

  #assertWebPush({ data, pushkey }: NewPusher): void {
    const url = stringOrNone(data["url"]) ?? stringOrNone(data["endpoint"]) ?? "";
    if (!this.#outbound.mayAsk(url))
      throw invalid("`data.url`: an HTTPS URL on the internet, or in a network that the operator allows");
    if (!areKeys({ p256dh: pushkey, auth: stringOrNone(data["auth"]) ?? "" }))
      throw invalid("`pushkey` and `data.auth`: a public key of P-256 and 16 bytes, as browsers give them");
  }
}

function isSameTarget(old: Pusher, { data }: NewPusher): boolean {
  return ["url", "endpoint", "auth"].every((key) => old.data[key] === data[key]);
}
