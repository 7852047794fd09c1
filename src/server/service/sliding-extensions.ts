/**
 * What sliding sync tells beside rooms: messages to the device, keys, account data, receipts, typing.
 *
 * Source: MSC3885 (to-device), MSC3884 (e2ee), MSC3959 (account data), MSC3960 (receipts), MSC3961 (typing).
 */
import type { Viewer } from "../core/event.js";
import type { JsonObject } from "../core/json.js";
import type { SlidingRequest } from "../core/sliding-request.js";
import type { Change } from "../store/database.js";
import type { AccountData, Receipt } from "../store/personal.js";
import type { Store } from "../store/store.js";
import type { DeviceLists } from "./device-lists.js";
import { invalid } from "./failure.js";
import type { PushRules } from "./push-rules.js";
import type { Standing } from "./sliding-connection.js";
import type { RoomTold } from "./sliding-rooms.js";
import type { Follower } from "./stream.js";
import type { Stretched } from "./stretch.js";
import { renderReceipts } from "./sync-rooms.js";
import type { Typing } from "./typing.js";

const TO_DEVICE_LIMIT = 100;

export type ScopedName = "account_data" | "receipts" | "typing";

export interface ExtensionsAsked {
  readonly viewer: Viewer;
  readonly follower: Follower;
  readonly wanted: SlidingRequest["extensions"];
  /** Where the connection stands. */
  readonly from: Standing;
  readonly stretch: Stretched;
  readonly changes: readonly Change[] | undefined;
  /** The rooms that this answer tells. */
  readonly told: ReadonlyMap<string, RoomTold>;
  /** Rooms in sight that missed something while they were not, and since when. */
  readonly missed: ReadonlyMap<string, number>;
  /** Whether an extension speaks of a room now. */
  speaksOf(extension: ScopedName, roomId: string): boolean;
  /** Notes that a room, out of sight, has something to tell later. */
  defer(roomId: string): void;
}

interface Extended {
  readonly body: JsonObject;
  readonly isEmpty: boolean;
}

export class SlidingExtensions {
  readonly #store: Store;
  readonly #typing: Typing;
  readonly #pushRules: PushRules;
  readonly #deviceLists: DeviceLists;

  constructor(store: Store, typing: Typing, pushRules: PushRules, deviceLists: DeviceLists) {
    this.#store = store;
    this.#typing = typing;
    this.#pushRules = pushRules;
    this.#deviceLists = deviceLists;
  }

  async answer(asked: ExtensionsAsked): Promise<Extended> {
    const { wanted } = asked;
    const toDevice = wanted.to_device.enabled === true ? await this.#toDevice(asked) : undefined;
    const e2ee = wanted.e2ee.enabled === true ? await this.#e2ee(asked) : undefined;
    const accountData = wanted.account_data.enabled === true ? await this.#accountData(asked) : undefined;
    const receipts = wanted.receipts.enabled === true ? await this.#receipts(asked) : undefined;
    const typing = wanted.typing.enabled === true ? this.#typingIn(asked) : undefined;
    return {
      body: {
        ...(toDevice !== undefined && { to_device: toDevice.body }),
        ...(e2ee !== undefined && { e2ee: e2ee.body }),
        ...(accountData !== undefined && { account_data: accountData }),
        ...(receipts !== undefined && { receipts: { rooms: receipts } }),
        ...(typing !== undefined && { typing: { rooms: typing } }),
      },
      isEmpty:
        toDevice?.isEmpty !== false &&
        e2ee?.isEmpty !== false &&
        accountData === undefined &&
        receipts === undefined &&
        typing === undefined,
    };
  }

  /** @throws Failure M_INVALID_PARAM for a `since` that is none of this server's */
  async #toDevice({ viewer, wanted, stretch: { upTo } }: ExtensionsAsked): Promise<Extended> {
    const { since, limit } = wanted.to_device;
    const { encryption } = this.#store;
    if (since != null) {
      if (!/^\d{1,15}$/.test(since)) throw invalid("`since` is none of this server's tokens");
      // What the device saw, it does not need again.
      if ((await encryption.toDevice(viewer, Number(since), 1)).length > 0)
        await encryption.dropToDevice(viewer, Number(since));
    }
    const most = Math.min(limit ?? TO_DEVICE_LIMIT, TO_DEVICE_LIMIT);
    const messages = await encryption.toDevice(viewer, upTo, most);
    const last = messages.length === most ? (messages.at(-1)?.position ?? upTo) : upTo;
    return {
      body: { next_batch: String(last), events: messages.map(({ event }) => event) },
      isEmpty: messages.length === 0,
    };
  }

  async #e2ee({ viewer, follower, from, stretch, changes }: ExtensionsAsked): Promise<Extended> {
    const lists =
      from.position === 0 ? undefined : await this.#deviceLists.changedIn(follower, stretch, changes);
    return {
      body: {
        ...(lists !== undefined && { device_lists: lists }),
        device_one_time_keys_count: {
          signed_curve25519: 0,
          ...(await this.#store.encryption.keyCounts(viewer)),
        },
        device_unused_fallback_key_types: await this.#store.encryption.unusedFallbacks(viewer),
      },
      isEmpty: lists === undefined,
    };
  }

  async #accountData(asked: ExtensionsAsked): Promise<JsonObject | undefined> {
    const { viewer, from, stretch, changes } = asked;
    const { personal } = this.#store;
    const isInitial = from.position === 0;
    const hasChanged =
      changes === undefined ||
      changes.some(({ kind, userId }) => kind === "account-data" && userId === viewer.userId);
    const data = hasChanged
      ? (await personal.accountDataSince(viewer.userId, from.position)).filter(
          ({ position }) => position <= stretch.upTo,
        )
      : [];
    const global: JsonObject[] = data
      .filter(({ roomId, type }) => roomId === "" && type !== "m.push_rules")
      .map(({ type, content }) => ({ type, content }));
    if (isInitial || data.some(({ roomId, type }) => roomId === "" && type === "m.push_rules"))
      global.push({ type: "m.push_rules", content: { global: await this.#pushRules.of(viewer.userId) } });

    const rooms: Record<string, JsonObject[]> = {};
    const add = (roomId: string, items: readonly AccountData[]) => {
      if (items.length > 0) rooms[roomId] = items.map(({ type, content }) => ({ type, content }));
    };
    const changed = Map.groupBy(
      data.filter(({ roomId }) => roomId !== ""),
      ({ roomId }) => roomId,
    );
    // All of it, for a room that is new to the connection.
    const whole = [...asked.told].filter(([, { isInitial: isNew }]) => isNew).map(([roomId]) => roomId);
    const since = new Map([...asked.missed, ...whole.map((roomId): [string, number] => [roomId, 0])]);
    for (const [roomId, position] of since) {
      if (!asked.speaksOf("account_data", roomId)) continue;
      if (isInitial) add(roomId, changed.get(roomId) ?? []);
      else add(roomId, await personal.accountDataOfRoom(viewer.userId, roomId, position));
    }
    for (const [roomId, items] of changed) {
      if (since.has(roomId)) continue;
      if (asked.speaksOf("account_data", roomId)) add(roomId, items);
      else asked.defer(roomId);
    }
    if (global.length === 0 && Object.keys(rooms).length === 0) return undefined;
    return { global, rooms };
  }

  /** By room; of a room that is new to the connection, those of the events that are shown, and one's own. */
  async #receipts(asked: ExtensionsAsked): Promise<JsonObject | undefined> {
    const { viewer, from, changes } = asked;
    const rooms: Record<string, JsonObject> = {};
    const isMine = ({ type, userId }: Receipt) => type === "m.read" || userId === viewer.userId;
    const add = (roomId: string, receipts: readonly Receipt[]) => {
      const known = receipts.filter(isMine);
      if (known.length > 0) rooms[roomId] = { type: "m.receipt", content: renderReceipts(known) };
    };
    const { personal } = this.#store;
    const seen = new Set<string>();
    for (const [roomId, { isInitial, start }] of asked.told) {
      if (!isInitial || asked.follower.rooms.get(roomId)?.membership !== "join") continue;
      seen.add(roomId);
      if (!asked.speaksOf("receipts", roomId)) continue;
      // A receipt comes later than what it is for.
      const shown = (await personal.receipts(roomId, start)).filter(
        ({ eventPosition }) => eventPosition > start,
      );
      const own = await personal.receiptsOf(viewer.userId, roomId);
      add(roomId, [...shown.filter(({ userId }) => userId !== viewer.userId), ...own]);
    }
    const touched =
      from.position === 0
        ? []
        : changes === undefined
          ? asked.stretch.touched
          : changes.flatMap(({ kind, roomId, userId }) =>
              kind === "receipt" && roomId !== undefined && (userId ?? viewer.userId) === viewer.userId
                ? [roomId]
                : [],
            );
    for (const roomId of new Set([...touched, ...asked.missed.keys()])) {
      if (seen.has(roomId) || asked.follower.rooms.get(roomId)?.membership !== "join") continue;
      if (asked.speaksOf("receipts", roomId))
        add(roomId, await personal.receipts(roomId, asked.missed.get(roomId) ?? from.position));
      else asked.defer(roomId);
    }
    return Object.keys(rooms).length === 0 ? undefined : rooms;
  }

  #typingIn(asked: ExtensionsAsked): JsonObject | undefined {
    const rooms: Record<string, JsonObject> = {};
    const add = (roomId: string, users: readonly string[]) => {
      rooms[roomId] = { type: "m.typing", content: { user_ids: users } };
    };
    for (const [roomId, { isInitial }] of asked.told) {
      const users = this.#typing.in(roomId);
      if (isInitial && users.length > 0) add(roomId, users);
    }
    const touched = asked.from.position === 0 ? [] : this.#typing.changedSince(asked.from.typing);
    for (const roomId of touched) add(roomId, this.#typing.in(roomId));
    for (const roomId of Object.keys(rooms)) {
      const isInside = asked.follower.rooms.get(roomId)?.membership === "join";
      if (!isInside || !asked.speaksOf("typing", roomId)) Reflect.deleteProperty(rooms, roomId);
    }
    return Object.keys(rooms).length === 0 ? undefined : rooms;
  }
}
