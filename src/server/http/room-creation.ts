/**
 * New rooms, and rooms that replace others.
 * Source: Matrix client-server API v1.19, "Creation", "Room upgrades".
 */
import { z } from "zod";
import { EventType, RoomId, StateKey, UserId } from "../core/ids.js";
import { ROOM_VERSIONS } from "../core/room-versions.js";
import { firstEvents } from "../service/create-room.js";
import { Failure, invalid } from "../service/failure.js";
import { versionOrRefuse } from "../service/upgrade-room.js";
import { endpoint, group } from "./endpoint.js";
import { Content } from "./content.js";

const Request = z.object({
  visibility: z.enum(["public", "private"]).default("private"),
  preset: z.enum(["private_chat", "trusted_private_chat", "public_chat"]).optional(),
  room_alias_name: z.string().min(1).max(200).optional(),
  name: z.string().optional(),
  topic: z.string().optional(),
  invite: z.array(UserId).default([]),
  invite_3pid: z.array(z.unknown()).default([]),
  room_version: z.string().optional(),
  creation_content: Content.default({}),
  initial_state: z
    .array(z.object({ type: EventType, state_key: StateKey.default(""), content: Content }))
    .default([]),
  is_direct: z.boolean().default(false),
  power_level_content_override: Content.default({}),
});

export const roomCreation = group("Creation", [
  endpoint({
    route: "POST /_matrix/client/v3/createRoom",
    refusesSuspended: true,
    limit: "roomCreation",
    body: Request,
    reply: z.object({ room_id: z.string() }),

    async handle(
      { caller, body },
      { rooms, profiles, directory, invitePermission, carryOver, store, config, appServices },
    ) {
      const version = versionOrRefuse(ROOM_VERSIONS, body.room_version ?? config.defaultRoomVersion);
      if (body.invite_3pid.length > 0) throw invalid("this server invites by user id only");
      const alias =
        body.room_alias_name === undefined ? undefined : `#${body.room_alias_name}:${config.serverName}`;
      if (alias !== undefined) await directory.assertFree(alias, caller.service);

      const invite = [...new Set(body.invite)].filter((userId) => userId !== caller.userId);
      for (const userId of invite) {
        if ((await appServices.account(userId)) === undefined) throw invalid(`${userId} has no account here`);
        await invitePermission.assertInvitable(userId, caller.userId);
      }
      const people = [caller.userId, ...invite];
      const members = new Map(
        await Promise.all(people.map(async (userId) => [userId, await profiles.forMember(userId)] as const)),
      );
      const drafts = firstEvents({
        creator: caller.userId,
        version,
        preset: body.preset ?? (body.visibility === "public" ? "public_chat" : "private_chat"),
        creationContent: body.creation_content,
        initialState: body.initial_state.map(({ type, state_key: stateKey, content }) => ({
          type,
          stateKey,
          content,
        })),
        powerLevels: body.power_level_content_override,
        ...(alias !== undefined && { alias }),
        ...(body.name !== undefined && { name: body.name }),
        ...(body.topic !== undefined && { topic: body.topic }),
        invite,
        isDirect: body.is_direct,
        profiles: members,
      });
      const roomId = await rooms.create(version, drafts).catch((error: unknown) => {
        // What the client asked for contradicts itself: no right of anybody is missing.
        if (error instanceof Failure && error.code === "M_FORBIDDEN")
          throw new Failure("M_INVALID_ROOM_STATE", error.message);
        throw error;
      });
      await carryOver.into(roomId, caller.userId);
      if (alias !== undefined) await directory.createAlias(alias, roomId, caller);
      if (body.visibility === "public") await store.directory.publish(roomId, true);
      return { room_id: roomId };
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/rooms/{roomId}/upgrade",
    refusesSuspended: true,
    limit: "roomCreation",
    params: z.object({ roomId: RoomId }),
    body: z.object({ new_version: z.string(), additional_creators: z.array(UserId).default([]) }),
    reply: z.object({ replacement_room: z.string() }),
    async handle({ caller, params, body }, { upgrades }) {
      const version = versionOrRefuse(ROOM_VERSIONS, body.new_version);
      const replacement = await upgrades.upgrade({
        roomId: params.roomId,
        userId: caller.userId,
        version,
        additionalCreators: body.additional_creators,
      });
      return { replacement_room: replacement };
    },
  }),
]);
