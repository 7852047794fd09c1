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
import type { PushRules } from "./push-rules.js";
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
  readonly timeoutMs: number;
  /** The client went away, or the server stops. */
  readonly signal?: AbortSignal;
}

/** What changed for somebody in a stretch of positions. */
export interface Stretched {
  readonly since: number;
  readonly upTo: number;
  /** The rooms in which something happened. */
  readonly touched: ReadonlySet<string>;
}

type DeviceLists = { readonly changed: readonly string[]; readonly left: readonly string[] };

export class Sync {
  readonly #store: Store;
  readonly #stream: Stream;
  readonly #typing: Typing;
  readonly #rooms: SyncRooms;
  readonly #pushRules: PushRules;

  constructor(store: Store, stream: Stream, typing: Typing, rooms: SyncRooms, pushRules: PushRules) {
    this.#store = store;
    this.#stream = stream;
    this.#typing = typing;
    this.#rooms = rooms;
    this.#pushRules = pushRules;
  }

  async answer(request: SyncRequest): Promise<SyncBody> {
    const { viewer, since, timeoutMs, signal } = request;
    const follower = await this.#stream.follow(viewer.userId);
    // What the device saw, it does not need again.
    if (since !== undefined && since.toDevice > 0) await this.#dropSeen(viewer, since.toDevice);
    const deadline = performance.now() + timeoutMs;
    for (;;) {
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
  async deviceChanges(userId: string, from: SyncToken, to: SyncToken): Promise<DeviceLists> {
    const follower = await this.#stream.follow(userId);
    const changes = this.#stream.since(from.position)?.filter(({ position }) => position <= to.position);
    const stretch = await this.#stretch(follower, from.position, to.position, changes);
    const lists = await this.#deviceLists({ since: from }, follower, stretch, changes);
    return lists ?? { changed: [], left: [] };
  }

  async #assemble(request: SyncRequest, follower: Follower): Promise<{ body: SyncBody; isEmpty: boolean }> {
    const { viewer, since } = request;
    // Another node may have told the device more than this one has heard of.
    const upTo = Math.max(this.#stream.latest, since?.position ?? 0);
    const typingSerial = this.#typing.serial;
    const changes = since === undefined ? undefined : this.#stream.since(since.position);
    const stretch = await this.#stretch(follower, since?.position ?? 0, upTo, changes);
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
    const lists = await this.#deviceLists(request, follower, stretch, changes);

    // A full page: the rest comes next, so this part of the token stops in front of it.
    const lastToDevice = toDevice.length === TO_DEVICE_LIMIT ? (toDevice.at(-1)?.position ?? upTo) : upTo;
    const body: SyncBody = {
      next_batch: renderSyncToken({ position: upTo, typing: typingSerial, toDevice: lastToDevice }),
      ...(own.length > 0 && { account_data: { events: own } }),
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
      isEmpty: own.length + toDevice.length === 0 && rooms === undefined && lists === undefined,
    };
  }

  async #stretch(
    follower: Follower,
    since: number,
    upTo: number,
    changes: readonly Change[] | undefined,
  ): Promise<Stretched> {
    if (since === 0) return { since, upTo, touched: new Set(follower.rooms.keys()) };
    if (changes === undefined) {
      return {
        since,
        upTo,
        touched: new Set(await this.#store.events.roomsChangedSince(follower.userId, since)),
      };
    }
    const touched = new Set<string>();
    for (const { roomId, userId } of changes) {
      if (roomId !== undefined && (userId === undefined || userId === follower.userId)) touched.add(roomId);
    }
    return { since, upTo, touched };
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

  /** Whose devices to look at again, and with whom no room is shared any more. */
  async #deviceLists(
    { since }: Pick<SyncRequest, "since">,
    follower: Follower,
    stretch: Stretched,
    changes: readonly Change[] | undefined,
  ): Promise<DeviceLists | undefined> {
    if (since === undefined) return undefined;
    const devices =
      changes === undefined
        ? await this.#store.encryption.devicesChanged(stretch.since, stretch.upTo)
        : namesIn(changes, "devices");
    const signed =
      changes === undefined
        ? await this.#store.crossSigning.signedBy(follower.userId, stretch.since, stretch.upTo)
        : changes.flatMap(({ kind, userId, about }) =>
            kind === "signatures" && userId === follower.userId && about !== undefined ? [about] : [],
          );
    const newcomers = await this.#newcomers(follower, stretch, changes);
    const candidates = new Set([...devices, ...signed, ...newcomers.joined, ...newcomers.left]);
    if (candidates.size === 0) return undefined;
    const sharing = new Set([...(await this.#store.events.sharing(follower.userId)), follower.userId]);
    const changed = [...signed, ...[...devices, ...newcomers.joined].filter((userId) => sharing.has(userId))];
    const left = newcomers.left.filter((userId) => !sharing.has(userId));
    if (changed.length + left.length === 0) return undefined;
    return { changed: [...new Set(changed)], left: [...new Set(left)] };
  }

  /** Who came into a room of this user or left one; when the user came or left, everybody there. */
  async #newcomers(
    follower: Follower,
    stretch: Stretched,
    changes: readonly Change[] | undefined,
  ): Promise<{ joined: string[]; left: string[] }> {
    const joined: string[] = [];
    const left: string[] = [];
    const memberships = changes?.filter(({ kind }) => kind === "membership");
    for (const { roomId = "", userId = "", membership } of memberships ?? []) {
      if (userId !== follower.userId && follower.rooms.get(roomId)?.membership === "join") {
        (membership === "join" ? joined : left).push(userId);
      }
    }
    for (const roomId of stretch.touched) {
      const own = follower.rooms.get(roomId);
      if (own === undefined || own.position <= stretch.since || own.position > stretch.upTo) continue;
      const members = await this.#store.events.members(roomId, "join");
      (own.membership === "join" ? joined : left).push(
        ...members.filter((userId) => userId !== follower.userId),
      );
    }
    return { joined, left };
  }

  async #dropSeen(viewer: Viewer, upTo: number): Promise<void> {
    if ((await this.#store.encryption.toDevice(viewer, upTo, 1)).length > 0)
      await this.#store.encryption.dropToDevice(viewer, upTo);
  }
}

function namesIn(changes: readonly Change[], kind: Change["kind"]): string[] {
  return changes.flatMap((change) =>
    change.kind === kind && change.userId !== undefined ? [change.userId] : [],
  );
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
