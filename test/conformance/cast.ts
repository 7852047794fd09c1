/**
 * For the matrix of authorisation: a room of each history visibility, with somebody in it of each kind of membership,
 * and secrets of which it is known who may see them.
 */
import {
  operatorOf,
  register,
  startTestServer,
  type Person,
  type TestServer,
} from "../server/test-server.js";

const at = encodeURIComponent;

export const VISIBILITIES = ["world_readable", "shared", "invited", "joined"] as const;
export type Visibility = (typeof VISIBILITIES)[number];

/** Whoever is none of the room's owner; `member` was invited before anything was said, and came after the first word. */
export const ROLES = ["stranger", "invited", "knocking", "member", "left", "banned"] as const;
export type Role = (typeof ROLES)[number];

/** What was said before the others came, while all were there, and after `left` and `banned` had gone. */
export const TIMES = ["early", "middle", "late"] as const;
export type Time = (typeof TIMES)[number];

/**
 * What of a room's messages each of them may read, with the rules at their defaults.
 * Source: Matrix client-server API, "Room History Visibility".
 */
export const READABLE: Readonly<Record<Visibility, Readonly<Record<Role, readonly Time[]>>>> = {
  world_readable: {
    stranger: TIMES,
    invited: TIMES,
    knocking: TIMES,
    member: TIMES,
    left: TIMES,
    banned: TIMES,
  },
  shared: {
    stranger: [],
    invited: [],
    knocking: [],
    member: TIMES,
    left: ["early", "middle"],
    banned: ["early", "middle"],
  },
  invited: {
    stranger: [],
    invited: [],
    knocking: [],
    member: TIMES,
    left: ["middle"],
    banned: ["middle"],
  },
  joined: {
    stranger: [],
    invited: [],
    knocking: [],
    member: ["middle", "late"],
    left: ["middle"],
    banned: ["middle"],
  },
};

/** Whether somebody may see what the room's state was when they were last in it. */
export const mayReadState = (visibility: Visibility, role: Role): boolean =>
  visibility === "world_readable" || ["member", "left", "banned"].includes(role);

export interface Room {
  readonly roomId: string;
  readonly visibility: Visibility;
  /** Ids of the events of each time. */
  readonly events: Readonly<Record<Time, string>>;
}

/** What an event says that was sent then: nobody who may not read it ever gets to see it. */
export const said = (visibility: Visibility, time: Time): string => `secret-${visibility}-${time}.`;
/** What is written in the room's state. */
export const written = (visibility: Visibility): string => `secret-${visibility}-state.`;
/** What is Alice's alone, wherever she keeps it. */
export const PRIVATE = "secret-of-alice";

export interface Cast {
  readonly server: TestServer;
  /** Who owns the rooms. */
  readonly alice: Person;
  readonly people: Readonly<Record<Role, Person>>;
  readonly rooms: readonly Room[];
  /** Ids of what Alice has, by the name of the parameter that asks for it. */
  readonly hers: Readonly<Record<string, string>>;
}

export async function castOf(): Promise<Cast> {
  const server = await startTestServer();
  const alice = await register(server, "alice");
  const people = Object.fromEntries(
    await Promise.all(ROLES.map(async (role) => [role, await register(server, role)] as const)),
  ) as Record<Role, Person>;
  const rooms: Room[] = [];
  for (const visibility of VISIBILITIES) rooms.push(await furnish(alice, people, visibility));
  return { server, alice, people, rooms, hers: await keep(server, alice, rooms) };
}

async function furnish(
  alice: Person,
  people: Readonly<Record<Role, Person>>,
  visibility: Visibility,
): Promise<Room> {
  const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", {
    preset: "public_chat",
    initial_state: [
      { type: "m.room.history_visibility", state_key: "", content: { history_visibility: visibility } },
    ],
  });
  const path = `rooms/${at(roomId)}`;
  const say = async (time: Time) => {
    const id = await alice.send(roomId, said(visibility, time));
    // What belongs to a message is as secret as the message.
    await alice.call("PUT", `${path}/send/m.reaction/of-${time}`, {
      "m.relates_to": { rel_type: "m.annotation", event_id: id, key: said(visibility, time) },
    });
    await alice.call("PUT", `${path}/send/m.room.message/under-${time}`, {
      body: said(visibility, time),
      msgtype: "m.text",
      "m.relates_to": { rel_type: "m.thread", event_id: id },
    });
    return id;
  };
  await alice.call("PUT", `${path}/state/x.secret/`, { text: written(visibility) });
  await alice.post(`${path}/invite`, { user_id: people.member.userId });
  const early = await say("early");
  for (const role of ["member", "left", "banned"] as const) await people[role].post(`${path}/join`, {});
  const middle = await say("middle");
  await people.left.post(`${path}/leave`, {});
  await alice.post(`${path}/ban`, { user_id: people.banned.userId });
  const late = await say("late");
  await alice.post(`${path}/invite`, { user_id: people.invited.userId });
  await alice.call("PUT", `${path}/state/m.room.join_rules/`, { join_rule: "knock" });
  await people.knocking.post(`knock/${at(roomId)}`, {});
  return { roomId, visibility, events: { early, middle, late } };
}

/** Alice keeps a secret in every place that is hers alone. @returns what the places are called */
async function keep(server: TestServer, alice: Person, rooms: readonly Room[]): Promise<Cast["hers"]> {
  const mine = `user/${at(alice.userId)}`;
  const room = at(rooms[0]?.roomId ?? "");
  await alice.call("PUT", `${mine}/account_data/x`, { text: PRIVATE });
  await alice.call("PUT", `${mine}/rooms/${room}/account_data/x`, { text: PRIVATE });
  await alice.call("PUT", `${mine}/rooms/${room}/tags/u.${PRIVATE}`, {});
  const { filter_id: filterId } = await alice.post<{ filter_id: string }>(`${mine}/filter`, {
    room: { timeline: { types: [PRIVATE] } },
  });
  const rule = { pattern: PRIVATE, actions: ["notify"] };
  await alice.call("PUT", "pushrules/global/content/x", rule);
  await alice.post("pushers/set", {
    ...{ app_id: "x", pushkey: PRIVATE, kind: "http", lang: "en", device_display_name: "x" },
    ...{ app_display_name: "x", data: { url: "https://push.example/_matrix/push/v1/notify" } },
  });
  const { version } = await alice.post<{ version: string }>("room_keys/version", {
    algorithm: "m.megolm_backup.v1.curve25519-aes-sha2",
    auth_data: { public_key: PRIVATE },
  });
  await alice.call("PUT", `room_keys/keys/${room}/x?version=${version}`, {
    first_message_index: 0,
    forwarded_count: 0,
    is_verified: true,
    session_data: { ciphertext: PRIVATE },
  });
  await alice.call("PUT", `sendToDevice/x/1`, {
    messages: { [alice.userId]: { [alice.deviceId]: { text: PRIVATE } } },
  });
  await alice.post(`rooms/${room}/report`, { reason: PRIVATE });
  await operatorOf(server).post("/registration-tokens", { token: PRIVATE, uses: 1 });
  await alice.call("PUT", `rooms/${room}/typing/${at(alice.userId)}`, { typing: false });
  await alice.post(`rooms/${room}/read_markers`, { "m.fully_read": rooms[0]?.events.late ?? "" });
  return {
    ...{ userId: alice.userId, deviceId: alice.deviceId, filterId, version, type: "x", kind: "content" },
    ...{ ruleId: "x", sessionId: "x", tag: `u.${PRIVATE}`, serverName: "hs1", receiptType: "m.read" },
    ...{ keyName: "displayname", eventType: "x.secret", stateKey: "", relType: "m.thread" },
  };
}
