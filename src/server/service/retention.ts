/**
 * Retention: messages and uploads go when their time is over.
 *
 * A room says by `m.room.retention` how long its messages stay, within the bounds of the settings; one that says nothing
 * has the settings' own time, if there is one. Messages go a few at a time, by the writer's ordinary turns, so nobody's
 * message waits. A picture that is somebody's or a room's avatar stays.
 *
 * Source: MSC1763, "Proposal for specifying configurable message retention periods".
 */
import type { ServerConfig } from "../../shared/server-config.js";
import type { JsonObject } from "../core/json.js";
import type { Store } from "../store/store.js";
import type { Media } from "./media.js";
import type { RoomAdministration } from "./room-administration.js";

const DAY_MS = 24 * 60 * 60_000;
/** Rooms, or uploads, that are looked at together. */
const PAGE = 100;

export interface Retained {
  readonly messages: number;
  readonly media: number;
}

export class Retention {
  readonly #store: Store;
  readonly #rooms: RoomAdministration;
  readonly #media: Media;
  readonly #settings: ServerConfig["retention"];

  constructor(store: Store, rooms: RoomAdministration, media: Media, settings: ServerConfig["retention"]) {
    this.#store = store;
    this.#rooms = rooms;
    this.#media = media;
    this.#settings = settings;
  }

  /**
   * Takes away what is too old.
   *
   * @param now milliseconds since 1970
   * @param signal stops it between two batches
   * @returns how much went
   */
  async run(now: number, signal?: AbortSignal): Promise<Retained> {
    const avatars = new Set<string>();
    let messages = 0;
    for (let after: string | undefined = ""; after !== undefined && signal?.aborted !== true;) {
      const rooms = await this.#store.roomAdministration.policies(after, PAGE);
      for (const { roomId, policy, avatar } of rooms) {
        if (avatar !== undefined) avatars.add(avatar);
        const lifetimeMs = lifetimeOf(policy, this.#settings);
        if (lifetimeMs !== undefined)
          messages += await this.#rooms.purge(roomId, { before: now - lifetimeMs }, signal);
      }
      after = rooms.length < PAGE ? undefined : rooms.at(-1)?.roomId;
    }
    const { mediaDays } = this.#settings;
    const media =
      mediaDays === undefined ? 0 : await this.#dropMedia(now - mediaDays * DAY_MS, avatars, signal);
    return { messages, media };
  }

  async #dropMedia(before: number, avatars: ReadonlySet<string>, signal?: AbortSignal): Promise<number> {
    let dropped = 0;
    for (let after = { createdAt: -1, mediaId: "" }; signal?.aborted !== true;) {
      const page = await this.#store.media.olderThan(before, after, PAGE);
      for (const { mediaId, userId } of page) {
        const uri = this.#media.uriOf(mediaId);
        if (avatars.has(uri) || (await this.#store.accounts.profile(userId))["avatar_url"] === uri) continue;
        await this.#media.delete(mediaId);
        dropped += 1;
      }
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) break;
      after = { createdAt: last.createdAt, mediaId: last.mediaId };
    }
    return dropped;
  }
}

/** @returns how long messages stay, in milliseconds; undefined for ever */
export function lifetimeOf(
  policy: JsonObject | undefined,
  { messageDays, leastMessageDays, mostMessageDays }: ServerConfig["retention"],
): number | undefined {
  const asked = policy?.["max_lifetime"];
  const own = typeof asked === "number" && Number.isSafeInteger(asked) && asked > 0 ? asked : undefined;
  const lifetimeMs = own ?? (messageDays === undefined ? undefined : messageDays * DAY_MS);
  if (lifetimeMs === undefined) return mostMessageDays === undefined ? undefined : mostMessageDays * DAY_MS;
  return Math.min(
    Math.max(lifetimeMs, (leastMessageDays ?? 0) * DAY_MS),
    mostMessageDays === undefined ? Infinity : mostMessageDays * DAY_MS,
  );
}
