/**
 * `/sync`: everything that is new for one device since its last token, or a wait until there is something.
 *
 * Source: Matrix client-server API, "Syncing".
 */
import type { Viewer } from "../core/event.js";
import { passes, type SyncFilter } from "../core/filter.js";
import type { JsonObject } from "../core/json.js";
import { renderSyncToken, type SyncToken } from "../core/tokens.js";
import type { Change } from "../store/database.js";
import type { AccountData } from "../store/personal.js";
import type { Store } from "../store/store.js";
import type { ChangedDevices, DeviceLists } from "./device-lists.js";
import type { Presence } from "./presence.js";
import type { PushRules } from "./push-rules.js";
import { stretchOf, type Stretched } from "./stretch.js";
import type { Follower, Stream } from "./stream.js";
import type { SyncRooms } from "./sync-rooms.js";
import type { Typing } from "./typing.js";

/** To-device messages in one answer. */
const TO_DEVICE_LIMIT = 100;

/** The answer, as it stands on the wire. */
export type SyncBody = JsonObject & { readonly next_batch: string };

export interface SyncRequest {
  readonly viewer: Viewer;
  readonly filter: SyncFilter;
  readonly since?: SyncToken;
  readonly fullState: boolean;
  /** What the client calls the state at the timeline's end; without it, it is told the one at its start. */
  readonly stateAfter?: "state_after" | "org.matrix.msc4222.state_after";
  readonly timeoutMs: number;
  /** The client went away, or the server stops. */
  readonly signal?: AbortSignal;
}

export class Sync {
  readonly #store: Store;
  readonly #stream: Stream;
  readonly #typing: Typing;
  readonly #rooms: SyncRooms;
  readonly #pushRules: PushRules;
  readonly #deviceLists: DeviceLists;
  readonly #presence: Presence;

  constructor(
    store: Store,
    stream: Stream,
    typing: Typing,
    rooms: SyncRooms,
    pushRules: PushRules,
    deviceLists: DeviceLists,
    presence: Presence,
  ) {
    this.#store = store;
    this.#stream = stream;
    this.#typing = typing;
    this.#rooms = rooms;
    this.#pushRules = pushRules;
    this.#deviceLists = deviceLists;
    this.#presence = presence;
  }

  async answer(request: SyncRequest): Promise<SyncBody> {
    const { viewer, since, timeoutMs, signal } = request;
    // What the device saw, it does not need again.
    if (since !== undefined && since.toDevice > 0) await this.#dropSeen(viewer, since.toDevice);
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      // Asked for each time: after a gap it is another one.
      const follower = await this.#stream.follow(viewer.userId);
      follower.lastUsed = Date.now();
      const version = follower.version;
      const { body, isEmpty } = await this.#assemble(request, follower);
      const leftMs = deadline - performance.now();
      if (!isEmpty || since === undefined || request.fullState || leftMs <= 0 || signal?.aborted === true)
        return body;
      await follower.wait(version, leftMs, signal);
    }
  }

  /** Whose devices changed between two tokens, for whoever has to look at them again. */
  async deviceChanges(userId: string, from: SyncToken, to: SyncToken): Promise<ChangedDevices> {
    const follower = await this.#stream.follow(userId);
    const changes = this.#stream.since(from.position)?.filter(({ position }) => position <= to.position);
    const stretch = await stretchOf(this.#store, follower, from.position, to.position, changes);
    return (await this.#deviceLists.changedIn(follower, stretch, changes)) ?? { changed: [], left: [] };
  }

  async #assemble(request: SyncRequest, follower: Follower): Promise<{ body: SyncBody; isEmpty: boolean }> {
    const { viewer, since } = request;
    // Another node may have told the device more than this one has heard of.
    const upTo = Math.max(this.#stream.latest, since?.position ?? 0);
    const typingSerial = this.#typing.serial;
    const presenceSerial = this.#presence.serial;
    const changes = since === undefined ? undefined : this.#stream.since(since.position);
    const stretch = await stretchOf(this.#store, follower, since?.position ?? 0, upTo, changes);
    const typing = new Set(this.#typing.changedSince(since?.typing ?? 0));

    const isMine = (kind: Change["kind"]) =>
      changes === undefined ||
      changes.some((change) => change.kind === kind && change.userId === viewer.userId);
    const data = isMine("account-data")
      ? await this.#store.personal.accountDataSince(viewer.userId, since?.position ?? 0)
      : [];
    const known = data.filter(({ position }) => position <= upTo);
    const rooms = await this.#rooms.sections(request, follower, stretch, typing, dataByRoom(known));
    const own = await this.#accountData(request, known);
    const toDevice = await this.#store.encryption.toDevice(viewer, upTo, TO_DEVICE_LIMIT);
    const lists =
      since === undefined ? undefined : await this.#deviceLists.changedIn(follower, stretch, changes);
    const presence = await this.#present(request, follower, stretch, changes);

    // A full page: the rest comes next, so this part of the token stops in front of it.
    const lastToDevice = toDevice.length === TO_DEVICE_LIMIT ? (toDevice.at(-1)?.position ?? upTo) : upTo;
    const body: SyncBody = {
      next_batch: renderSyncToken({
        position: upTo,
        typing: typingSerial,
        toDevice: lastToDevice,
        presence: presenceSerial,
      }),
      ...(own.length > 0 && { account_data: { events: own } }),
      ...(presence.length > 0 && { presence: { events: presence } }),
      ...(rooms !== undefined && { rooms }),
      ...(toDevice.length > 0 && { to_device: { events: toDevice.map(({ event }) => event) } }),
      ...(lists !== undefined && { device_lists: lists }),
      device_one_time_keys_count: {
        signed_curve25519: 0,
        ...(await this.#store.encryption.keyCounts(viewer)),
      },
      device_unused_fallback_key_types: await this.#store.encryption.unusedFallbacks(viewer),
    };
    return {
      body,
      isEmpty:
        own.length + toDevice.length + presence.length === 0 && rooms === undefined && lists === undefined,
    };
  }

  #present(
    { viewer, since, filter }: SyncRequest,
    follower: Follower,
    { since: after, upTo, touched }: Stretched,
    changes: readonly Change[] | undefined,
  ): Promise<JsonObject[]> {
    const joined = (changes ?? []).filter(
      ({ kind, membership, roomId }) =>
        kind === "membership" &&
        membership === "join" &&
        follower.rooms.get(roomId ?? "")?.membership === "join",
    );
    const isNewcomer = [...touched].some((roomId) => {
      const own = follower.rooms.get(roomId);
      return own?.membership === "join" && own.position > after && own.position <= upTo;
    });
    const newcomers = joined.flatMap(({ userId }) => (userId === undefined ? [] : [userId]));
    return this.#presence.changes(
      viewer.userId,
      since && (since.presence ?? 0),
      newcomers,
      isNewcomer,
      filter.presence,
    );
  }

  async #accountData(
    { viewer, filter, since }: SyncRequest,
    known: readonly AccountData[],
  ): Promise<JsonObject[]> {
    const events: JsonObject[] = known
      .filter(
        ({ roomId, type }) =>
          roomId === "" && type !== "m.push_rules" && passes(filter.account_data, { type }),
      )
      .map(({ type, content }) => ({ type, content }));
    const hasRules =
      since === undefined || known.some(({ roomId, type }) => roomId === "" && type === "m.push_rules");
    if (hasRules && passes(filter.account_data, { type: "m.push_rules" })) {
      events.push({ type: "m.push_rules", content: { global: await this.#pushRules.of(viewer.userId) } });
    }
    return events;
  }

  async #dropSeen(viewer: Viewer, upTo: number): Promise<void> {
    if ((await this.#store.encryption.toDevice(viewer, upTo, 1)).length > 0)
      await this.#store.encryption.dropToDevice(viewer, upTo);
  }
}

function dataByRoom(data: readonly AccountData[]): Map<string, AccountData[]> {
  const rooms = new Map<string, AccountData[]>();
  for (const item of data) {
    if (item.roomId === "") continue;
    const list = rooms.get(item.roomId);
    if (list === undefined) rooms.set(item.roomId, [item]);
    else list.push(item);
  }
  return rooms;
}
