/**
 * People in many rooms, and how their clients sync.
 */
import pLimit from "p-limit";
import { callServer, register, type Account } from "./server-process.js";

/** Rooms that are made at a time. */
const AT_ONCE = 16;

/** Where sliding sync is asked for, after `/_matrix/client/v3/`. */
export const SLIDING = "../unstable/org.matrix.simplified_msc3575/sync";

/** As Element X asks. */
const STATE = [
  ...["name", "encryption", "topic", "avatar", "canonical_alias", "power_levels", "join_rules", "tombstone"],
  ...["create", "history_visibility"],
].map((name) => [`m.room.${name}`, ""]);
const REQUIRED = [
  ...STATE,
  ["m.room.member", "$LAZY"],
  ["m.room.member", "$ME"],
  ["m.space.parent", "*"],
  ["m.space.child", "*"],
  ["org.matrix.msc3401.call.member", "*"],
];
const EXTENSIONS = Object.fromEntries(
  ["account_data", "receipts", "typing", "to_device", "e2ee"].map((name) => [name, { enabled: true }]),
);
/** All rooms by activity, of which those up to number `last` are shown. */
export const slidingBody = (last: number) => ({
  lists: { all_rooms: { ranges: [[0, last]], required_state: REQUIRED, timeline_limit: 1 } },
  extensions: EXTENSIONS,
});

/** In `count` rooms of the writer's, each with a few messages. */
export async function enterRooms(
  url: string,
  name: string,
  writer: Account,
  count: number,
): Promise<{ readonly token: string; readonly rooms: readonly string[] }> {
  const { token } = await register(url, name);
  const limit = pLimit(AT_ONCE);
  const enter = async (index: number) => {
    const options = { preset: "public_chat", name: `room ${index}` };
    const { room_id: made } = await callServer(url, "POST", "createRoom", writer.token, options);
    const roomId = String(made);
    await callServer(url, "POST", `join/${encodeURIComponent(roomId)}`, token, {});
    for (const text of ["one", "two", "three"]) await write(url, writer, roomId, `${name}-${text}`);
    return roomId;
  };
  const rooms = await Promise.all(Array.from({ length: count }, (_, index) => limit(enter, index)));
  return { token, rooms };
}

/** Says something; `txn` is said, and marks the request. */
export async function write(url: string, { token }: Account, roomId: string, txn: string): Promise<void> {
  const path = `rooms/${encodeURIComponent(roomId)}/send/m.room.message/${encodeURIComponent(`${roomId}${txn}`)}`;
  await callServer(url, "PUT", path, token, { msgtype: "m.text", body: txn });
}
