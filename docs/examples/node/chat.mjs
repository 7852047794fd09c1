/**
 * A chat on the terminal, with matrix-js-sdk: logs in, joins a room, sends what is typed, prints what is said.
 *
 * Ends with the input (Ctrl-D), and logs out. Settings: see README.md beside this folder. NODE_EXTRA_CA_CERTS names
 * the cloud's authority.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { ClientEvent, createClient, MemoryStore, RoomEvent } from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";

const { SERVER_URL, CHAT_USER, CHAT_PASSWORD_FILE, ROOM } = process.env;
// The library tells much of what it does; only what is wrong is of interest here.
logger.setLevel("error");

const { user_id, access_token, device_id } = await createClient({
  baseUrl: SERVER_URL,
}).loginRequest({
  type: "m.login.password",
  identifier: { type: "m.id.user", user: CHAT_USER },
  password: readFileSync(CHAT_PASSWORD_FILE, "utf8").trim(),
  initial_device_display_name: "chat.mjs",
});
const client = createClient({
  baseUrl: SERVER_URL,
  userId: user_id,
  accessToken: access_token,
  deviceId: device_id,
  store: new MemoryStore(),
});
const { roomId } = await client.joinRoom(ROOM);
const synced = new Promise((resolve) =>
  client.on(ClientEvent.Sync, (state) => state === "SYNCING" && resolve()),
);
await client.startClient({ initialSyncLimit: 1 });
await synced;
// From now on: what was said before has come already.
client.on(RoomEvent.Timeline, (event, room, _toStart, _removed, { liveEvent }) => {
  if (!liveEvent || room?.roomId !== roomId || event.getType() !== "m.room.message") return;
  console.log(`${event.getSender()}: ${event.getContent().body}`);
});
console.log(`in ${roomId}`);
for await (const line of createInterface({ input: process.stdin }))
  await client.sendTextMessage(roomId, line);
client.stopClient();
await client.logout();
// The library's own timers would keep the program for a while.
process.exit();
