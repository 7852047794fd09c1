/**
 * What an application service hears of beside events, when its registration asks for it: who types, who has read, who
 * is there. Gone with the server, as it is worth nothing later; of many changes only the last is told.
 * Source: Matrix Application Service API v1.19, "Pushing ephemeral data".
 */
import type { JsonObject } from "../core/json.js";
import type { Services } from "../service/services.js";
import { renderReceipts } from "../service/sync-rooms.js";
import type { Change } from "../store/database.js";
import type { ServiceInterest } from "./service-interest.js";

/** What is told at once. */
const MOST = 100;

export type EphemeraNeeds = Pick<Services, "store" | "typing" | "presence">;

export class ServiceEphemera {
  readonly #services: EphemeraNeeds;
  readonly #interest: ServiceInterest;
  readonly #typing = new Set<string>();
  /** By room, the position after which somebody has read. */
  readonly #read = new Map<string, number>();
  readonly #present = new Set<string>();

  constructor(services: EphemeraNeeds, interest: ServiceInterest) {
    this.#services = services;
    this.#interest = interest;
  }

  get isEmpty(): boolean {
    return this.#typing.size + this.#read.size + this.#present.size === 0;
  }

  typed(roomId: string): void {
    this.#typing.add(roomId);
  }

  changedPresence(userId: string): void {
    this.#present.add(userId);
  }

  /** @returns whether it was a receipt */
  hear({ kind, roomId, position }: Change): boolean {
    if (kind !== "receipt" || roomId === undefined) return false;
    if (!this.#read.has(roomId)) this.#read.set(roomId, position - 1);
    return true;
  }

  /** Takes what concerns the service. @param position up to which events were shown to its interest */
  async take(position: number): Promise<JsonObject[]> {
    const taken: JsonObject[] = [];
    for (const roomId of some(this.#typing, MOST)) {
      this.#typing.delete(roomId);
      if (!(await this.#interest.isIn(roomId, position))) continue;
      const content = { user_ids: this.#services.typing.in(roomId) };
      taken.push({ type: "m.typing", room_id: roomId, content });
    }
    for (const [roomId, after] of some(this.#read, MOST - taken.length)) {
      this.#read.delete(roomId);
      if (!(await this.#interest.isIn(roomId, position))) continue;
      const receipts = await this.#services.store.personal.receipts(roomId, after);
      // Private ones are between a user and the server.
      const shown = receipts.filter(({ type }) => type === "m.read");
      if (shown.length > 0)
        taken.push({ type: "m.receipt", room_id: roomId, content: renderReceipts(shown) });
    }
    for (const userId of some(this.#present, MOST - taken.length)) {
      this.#present.delete(userId);
      if (await this.#isSeen(userId, position))
        taken.push({ type: "m.presence", sender: userId, content: this.#services.presence.of(userId) });
    }
    return taken;
  }

  async #isSeen(userId: string, position: number): Promise<boolean> {
    for (const { roomId, membership } of await this.#services.store.events.memberships(userId))
      if (membership === "join" && (await this.#interest.isIn(roomId, position))) return true;
    return false;
  }
}

function some<T>(items: Iterable<T>, most: number): T[] {
  const taken: T[] = [];
  for (const item of items) {
    if (taken.length >= most) break;
    taken.push(item);
  }
  return taken;
}
