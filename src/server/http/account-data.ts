/**
 * Account data and tags.
 * Source: Matrix client-server API v1.19, "Client Config", "Room Tagging".
 */
import { z } from "zod";
import { EventType, RoomId, UserId } from "../core/ids.js";
import { isEmpty, type JsonObject } from "../core/json.js";
import { Failure, forbidden, notFound } from "../service/failure.js";
import type { Services } from "../service/services.js";
import { Content } from "./content.js";
import { Empty, endpoint, group, Json, type Asked } from "./endpoint.js";

const Owner = z.object({ userId: UserId });
const Global = Owner.extend({ type: EventType });
const OfRoom = Owner.extend({ roomId: RoomId, type: EventType });
const Tags = Owner.extend({ roomId: RoomId });
const Tag = Tags.extend({ tag: z.string().min(1).max(255) });

/** Until the specification has it. */
const UNSTABLE = "/_matrix/client/unstable/org.matrix.msc3391/user";

/** The server keeps these itself, and each has an endpoint of its own. */
const OWN_TYPES: readonly string[] = ["m.fully_read", "m.push_rules"];

type Which = { readonly userId: string; readonly roomId?: string; readonly type: string };

function assertOwn(userId: string, callerId: string): void {
  if (userId !== callerId) throw forbidden("account data is its owner's");
}

function assertFree(type: string): void {
  if (OWN_TYPES.includes(type))
    throw new Failure("M_BAD_JSON", `\`${type}\` has an endpoint of its own`, { status: 405 });
}

async function read(
  { caller, params }: Asked<Which, object, object>,
  { store }: Services,
): Promise<Record<string, unknown>> {
  assertOwn(params.userId, caller.userId);
  const content = await store.personal.accountData(params.userId, params.roomId ?? "", params.type);
  if (content === undefined || isEmpty(content)) throw notFound("there is no such account data");
  return content;
}

async function write(
  { caller, params, body }: Asked<Which, object, JsonObject>,
  { store }: Services,
): Promise<Record<string, never>> {
  assertOwn(params.userId, caller.userId);
  assertFree(params.type);
  await store.personal.setAccountData(params.userId, params.roomId ?? "", params.type, body);
  return {};
}

/** Empty data are none: to devices that know of them, this is how their end is told. Source: MSC3391. */
async function remove(
  { caller, params }: Asked<Which, object, object>,
  { store }: Services,
): Promise<Record<string, never>> {
  assertOwn(params.userId, caller.userId);
  assertFree(params.type);
  const { userId, roomId = "", type } = params;
  if ((await store.personal.accountData(userId, roomId, type)) !== undefined)
    await store.personal.setAccountData(userId, roomId, type, {});
  return {};
}

export const accountData = group("Client config", [
  endpoint({
    route: "GET /_matrix/client/v3/user/{userId}/account_data/{type}",
    params: Global,
    reply: Json,
    handle: read,
  }),
  endpoint({
    route: "PUT /_matrix/client/v3/user/{userId}/account_data/{type}",
    params: Global,
    body: Content,
    reply: Empty,
    handle: write,
  }),
  endpoint({
    route: "GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}",
    params: OfRoom,
    reply: Json,
    handle: read,
  }),
  endpoint({
    route: "PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}",
    params: OfRoom,
    body: Content,
    reply: Empty,
    handle: write,
  }),

  endpoint({
    route: `DELETE ${UNSTABLE}/{userId}/account_data/{type}`,
    params: Global,
    reply: Empty,
    handle: remove,
  }),
  endpoint({
    route: `DELETE ${UNSTABLE}/{userId}/rooms/{roomId}/account_data/{type}`,
    params: OfRoom,
    reply: Empty,
    handle: remove,
  }),

  endpoint({
    route: "GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags",
    params: Tags,
    reply: z.object({ tags: Json }),
    async handle({ caller, params }, { tags }) {
      assertOwn(params.userId, caller.userId);
      return { tags: await tags.of(params.userId, params.roomId) };
    },
  }),

  endpoint({
    route: "PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}",
    params: Tag,
    body: z.looseObject({ order: z.number().min(0).max(1).optional() }),
    reply: Empty,
    async handle({ caller, params, body }, { tags }) {
      assertOwn(params.userId, caller.userId);
      await tags.set(params.userId, params.roomId, params.tag, body as JsonObject);
      return {};
    },
  }),

  endpoint({
    route: "DELETE /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}",
    params: Tag,
    reply: Empty,
    async handle({ caller, params }, { tags }) {
      assertOwn(params.userId, caller.userId);
      await tags.remove(params.userId, params.roomId, params.tag);
      return {};
    },
  }),
]);
