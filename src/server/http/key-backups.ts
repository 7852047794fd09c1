/**
 * Backups of message keys, which a new device restores history with.
 * Source: Matrix client-server API v1.19, "Server-side key backups".
 */
import { z } from "zod";
import { RoomId } from "../core/ids.js";
import type { JsonObject } from "../core/json.js";
import { Failure, invalid, notFound } from "../service/failure.js";
import type { BackedUpKey, BackupPart, BackupVersion, BackupWrite } from "../store/key-backups.js";
import type { Store } from "../store/store.js";
import { Content } from "./content.js";
import { Empty, endpoint, group, Json } from "./endpoint.js";

const VERSION = "/_matrix/client/v3/room_keys/version";
const KEYS = "/_matrix/client/v3/room_keys/keys";

const KeyData = z.object({
  first_message_index: z.int().min(0),
  forwarded_count: z.int().min(0),
  is_verified: z.boolean(),
  session_data: Content,
});
const Sessions = z.object({ sessions: z.record(z.string(), KeyData) });
const Rooms = z.object({ rooms: z.record(RoomId, Sessions) });

const Which = z.object({ version: z.string() });
const InRoom = z.object({ roomId: RoomId });
const One = InRoom.extend({ sessionId: z.string() });

const State = z.object({ etag: z.string(), count: z.number() });
const Description = State.extend({ version: z.string(), algorithm: z.string(), auth_data: Json });
const NewVersion = z.object({ algorithm: z.string(), auth_data: Content });

const describe = ({ version, algorithm, authData, etag, count }: BackupVersion) => ({
  version,
  algorithm,
  auth_data: authData,
  etag,
  count,
});

const fromWire = (roomId: string, sessionId: string, data: z.infer<typeof KeyData>): BackedUpKey => ({
  roomId,
  sessionId,
  firstMessageIndex: data.first_message_index,
  forwardedCount: data.forwarded_count,
  isVerified: data.is_verified,
  sessionData: data.session_data,
});

const toWire = (key: BackedUpKey): JsonObject => ({
  first_message_index: key.firstMessageIndex,
  forwarded_count: key.forwardedCount,
  is_verified: key.isVerified,
  session_data: key.sessionData,
});

const sessionsIn = (roomId: string, { sessions }: z.infer<typeof Sessions>): BackedUpKey[] =>
  Object.entries(sessions).map(([sessionId, data]) => fromWire(roomId, sessionId, data));

function toSessions(keys: readonly BackedUpKey[]): { sessions: JsonObject } {
  return { sessions: Object.fromEntries(keys.map((key) => [key.sessionId, toWire(key)])) };
}

function toRooms(keys: readonly BackedUpKey[]): { rooms: JsonObject } {
  const byRoom = new Map<string, BackedUpKey[]>();
  for (const key of keys) byRoom.set(key.roomId, [...(byRoom.get(key.roomId) ?? []), key]);
  return { rooms: Object.fromEntries([...byRoom].map(([roomId, some]) => [roomId, toSessions(some)])) };
}

const noBackup = () => notFound("there is no such backup of keys");

function stateOf(write: BackupWrite): z.infer<typeof State> {
  if (write.kind === "done") return { etag: write.etag, count: write.count };
  if (write.kind === "unknown") throw noBackup();
  throw new Failure("M_WRONG_ROOM_KEYS_VERSION", "there is a newer backup", {
    current_version: write.current,
  });
}

/** @throws Failure M_NOT_FOUND when there is no such version */
async function keysOf({ keyBackups }: Store, part: BackupPart): Promise<BackedUpKey[]> {
  const keys = await keyBackups.keys(part);
  if (keys.length === 0 && (await keyBackups.version(part.userId, part.version)) === undefined)
    throw noBackup();
  return keys;
}

export const keyBackups = group("Server-side key backups", [
  endpoint({
    route: `POST ${VERSION}`,
    body: NewVersion,
    reply: Which,
    handle: async ({ caller, body }, { store }) => ({
      version: await store.keyBackups.create(caller.userId, body.algorithm, body.auth_data),
    }),
  }),

  endpoint({
    route: `GET ${VERSION}`,
    reply: Description,
    async handle({ caller }, { store }) {
      const newest = await store.keyBackups.version(caller.userId);
      if (newest === undefined) throw noBackup();
      return describe(newest);
    },
  }),

  endpoint({
    route: `GET ${VERSION}/{version}`,
    params: Which,
    reply: Description,
    async handle({ caller, params }, { store }) {
      const version = await store.keyBackups.version(caller.userId, params.version);
      if (version === undefined) throw noBackup();
      return describe(version);
    },
  }),

  endpoint({
    route: `PUT ${VERSION}/{version}`,
    params: Which,
    body: NewVersion.extend({ version: z.string().optional() }),
    reply: Empty,
    async handle({ caller, params, body }, { store }) {
      if (body.version !== undefined && body.version !== params.version)
        throw invalid("the body speaks of another version");
      const known = await store.keyBackups.version(caller.userId, params.version);
      if (known === undefined) throw noBackup();
      if (known.algorithm !== body.algorithm) throw invalid("a version keeps its algorithm");
      if (!(await store.keyBackups.change(caller.userId, params.version, body.auth_data))) throw noBackup();
      return {};
    },
  }),

  endpoint({
    route: `DELETE ${VERSION}/{version}`,
    params: Which,
    reply: Empty,
    async handle({ caller, params }, { store }) {
      if (!(await store.keyBackups.delete(caller.userId, params.version))) throw noBackup();
      return {};
    },
  }),

  endpoint({
    route: `PUT ${KEYS}`,
    query: Which,
    body: Rooms,
    reply: State,
    async handle({ caller, query, body }, { store }) {
      const keys = Object.entries(body.rooms).flatMap(([roomId, sessions]) => sessionsIn(roomId, sessions));
      return stateOf(await store.keyBackups.put(caller.userId, query.version, keys));
    },
  }),

  endpoint({
    route: `PUT ${KEYS}/{roomId}`,
    params: InRoom,
    query: Which,
    body: Sessions,
    reply: State,
    async handle({ caller, params, query, body }, { store }) {
      const keys = sessionsIn(params.roomId, body);
      return stateOf(await store.keyBackups.put(caller.userId, query.version, keys));
    },
  }),

  endpoint({
    route: `PUT ${KEYS}/{roomId}/{sessionId}`,
    params: One,
    query: Which,
    body: KeyData,
    reply: State,
    async handle({ caller, params, query, body }, { store }) {
      const key = fromWire(params.roomId, params.sessionId, body);
      return stateOf(await store.keyBackups.put(caller.userId, query.version, [key]));
    },
  }),

  endpoint({
    route: `GET ${KEYS}`,
    query: Which,
    reply: z.object({ rooms: Json }),
    handle: async ({ caller, query }, { store }) =>
      toRooms(await keysOf(store, { userId: caller.userId, ...query })),
  }),

  endpoint({
    route: `GET ${KEYS}/{roomId}`,
    params: InRoom,
    query: Which,
    reply: z.object({ sessions: Json }),
    handle: async ({ caller, params, query }, { store }) =>
      toSessions(await keysOf(store, { userId: caller.userId, ...query, ...params })),
  }),

  endpoint({
    route: `GET ${KEYS}/{roomId}/{sessionId}`,
    params: One,
    query: Which,
    reply: Json,
    async handle({ caller, params, query }, { store }) {
      const [key] = await keysOf(store, { userId: caller.userId, ...query, ...params });
      if (key === undefined) throw notFound("the backup has no such key");
      return toWire(key);
    },
  }),

  ...[KEYS, `${KEYS}/{roomId}`, `${KEYS}/{roomId}/{sessionId}`].map((path) =>
    endpoint({
      route: `DELETE ${path}`,
      params: z.object({ roomId: RoomId.optional(), sessionId: z.string().optional() }),
      query: Which,
      reply: State,
      handle: async ({ caller, params, query }, { store }) =>
        stateOf(
          await store.keyBackups.deleteKeys({
            userId: caller.userId,
            version: query.version,
            ...(params.roomId !== undefined && { roomId: params.roomId }),
            ...(params.sessionId !== undefined && { sessionId: params.sessionId }),
          }),
        ),
    }),
  ),
]);
