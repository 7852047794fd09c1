/**
 * Keeps the lists of sliding connections up to date: reads what changed, and no more.
 */
import { isObject, itemsOf, type JsonObject } from "../core/json.js";
import type { SlidingRequest } from "../core/sliding-request.js";
import type { Change } from "../store/database.js";
import type { RoomFact } from "../store/room-views.js";
import type { Store } from "../store/store.js";
import type { SlidingConnection } from "./sliding-connection.js";
import { SlidingLists, type ListContext } from "./sliding-lists.js";
import type { Follower, Stream } from "./stream.js";

type Lists = SlidingRequest["lists"];

interface Updated {
  readonly direct: ReadonlySet<string>;
  /** Rooms may have come into sight in which nothing happened. */
  readonly hasShifted: boolean;
}

export class SlidingListKeeper {
  readonly #store: Store;
  readonly #stream: Stream;

  constructor(store: Store, stream: Stream) {
    this.#store = store;
    this.#stream = stream;
  }

  /** Brings a connection's lists to a position, and to what its request asks. */
  async update(
    connection: SlidingConnection,
    follower: Follower,
    lists: Lists,
    upTo: number,
  ): Promise<Updated> {
    const known = connection.context;
    const changes = known === undefined ? undefined : this.#stream.since(connection.listsUpTo);
    // The request before this one was ended half-way, or its answer was lost.
    const isAhead = connection.listsUpTo !== connection.standing.position;
    connection.listsUpTo = upTo;

    const touched = changes === undefined ? undefined : touchedRooms(changes, follower);
    const spaces = spacesOf(lists);
    const context =
      known !== undefined &&
      changes !== undefined &&
      !this.#mayDiffer(known, spaces, changes, follower, touched)
        ? known
        : await this.#context(follower, lists, spaces);
    const isOther = known === undefined || !isSame(known, context);
    connection.context = isOther ? context : known;
    if (Object.keys(lists).length === 0) {
      connection.lists = undefined;
      return { direct: context.direct, hasShifted: isOther || isAhead };
    }
    if (connection.lists === undefined || touched === undefined) {
      const facts = await this.#store.views.facts(follower.userId);
      connection.lists = new SlidingLists(
        facts.filter((fact) => isListed(fact, connection)),
        context,
      );
      connection.lists.request(lists);
      return { direct: context.direct, hasShifted: true };
    }
    let hasShifted = isOther || isAhead;
    const found = new Map(
      (await this.#store.views.facts(follower.userId, [...touched])).map((fact) => [fact.roomId, fact]),
    );
    for (const roomId of touched) {
      const fact = found.get(roomId);
      if (connection.lists.move(roomId, fact !== undefined && isListed(fact, connection) ? fact : undefined))
        hasShifted = true;
    }
    if (isOther) connection.lists.setContext(context);
    connection.lists.request(lists);
    // A room that moves up moves those above it down, into ranges that begin further down.
    const isOnTop = Object.values(lists).every(({ ranges }) => ranges.every(([start]) => start === 0));
    return { direct: context.direct, hasShifted: hasShifted || (!isOnTop && touched.size > 0) };
  }

  #mayDiffer(
    known: ListContext,
    spaces: readonly string[],
    changes: readonly Change[],
    follower: Follower,
    touched: ReadonlySet<string> | undefined,
  ): boolean {
    return (
      changes.some(({ kind, userId }) => kind === "account-data" && userId === follower.userId) ||
      spaces.some((space) => touched?.has(space) === true || !known.spaces.has(space))
    );
  }

  async #context(follower: Follower, lists: Lists, spaces: readonly string[]): Promise<ListContext> {
    const { personal } = this.#store;
    const usesTags = Object.values(lists).some(
      ({ filters }) => filters?.tags != null || filters?.not_tags != null,
    );
    const tags = usesTags ? await personal.dataOfRooms(follower.userId, "m.tag") : [];
    return {
      direct: directRooms(await personal.accountData(follower.userId, "", "m.direct")),
      tags: new Map(
        tags.map(({ roomId, content }) => [
          roomId,
          isObject(content["tags"]) ? Object.keys(content["tags"]) : [],
        ]),
      ),
      spaces: new Map(
        await Promise.all(
          spaces.map(async (space): Promise<[string, Set<string>]> => [
            space,
            await this.#childrenOf(space, follower),
          ]),
        ),
      ),
    };
  }

  /** Of a space that the user is not in, none. */
  async #childrenOf(space: string, follower: Follower): Promise<Set<string>> {
    if (follower.rooms.get(space)?.membership !== "join") return new Set();
    const children = await this.#store.views.state(space, { types: ["m.space.child"], members: [] });
    // Without a server to go by, it is none. Source: "m.space.child".
    return new Set(
      children.flatMap(({ stateKey, content }) =>
        itemsOf(content["via"]).length > 0 ? (stateKey ?? []) : [],
      ),
    );
  }
}

/** Left rooms are not listed, unless somebody else ended it or the client knows the room. Source: MSC4186, "Lists". */
function isListed({ roomId, membership, isRemoved }: RoomFact, connection: SlidingConnection): boolean {
  if (membership !== "leave" && membership !== "ban") return true;
  return isRemoved || connection.rooms.has(roomId);
}

function touchedRooms(changes: readonly Change[], { rooms, userId }: Follower): Set<string> {
  const touched = new Set<string>();
  for (const change of changes) {
    if (change.roomId === undefined || (change.kind !== "event" && change.kind !== "membership")) continue;
    if (change.kind === "membership" && change.userId !== userId) continue;
    if (rooms.has(change.roomId)) touched.add(change.roomId);
  }
  return touched;
}

function spacesOf(lists: Lists): string[] {
  return [...new Set(Object.values(lists).flatMap(({ filters }) => filters?.spaces ?? []))];
}

/** Source: `m.direct`: room ids by the user whom they are shared with. */
function directRooms(content: JsonObject | undefined): Set<string> {
  const ids = Object.values(content ?? {}).flatMap((rooms) => itemsOf(rooms));
  return new Set(ids.filter((id): id is string => typeof id === "string"));
}

function isSame(one: ListContext, other: ListContext): boolean {
  return textOf(one) === textOf(other);
}

function textOf({ direct, tags, spaces }: ListContext): string {
  return JSON.stringify([
    [...direct].sort(),
    [...tags].sort(),
    [...spaces].map(([space, children]) => [space, ...children].sort()),
  ]);
}
