/**
 * Two people chat: two clients of the matrix-js-sdk, which Element is made of, talk through a server.
 *
 * usage: node scripts/chat.mjs URL NAME PASSWORD NAME PASSWORD
 * A certificate of the cloud's own authority: NODE_EXTRA_CA_CERTS=FILE. Exit code: 0 when both have read all.
 */
import { once } from "node:events";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { ClientEvent, createClient, EventType, MsgType, Preset, RoomEvent, SyncState } from "matrix-js-sdk";

const DEADLINE_MS = 60_000;
const LINES = ["hello, are you there?", "yes, and I read you", "so the cloud works", "it does: good night"];

// The SDK logs each request; a person wants to see the chat.
const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error: console.error, getChild: () => quiet };

const [baseUrl, firstName, firstPassword, secondName, secondPassword] = process.argv.slice(2);
if (secondPassword === undefined) {
  process.stderr.write("usage: node scripts/chat.mjs URL NAME PASSWORD NAME PASSWORD\n");
  process.exit(64);
}
// The deadline ends the process, whatever it waits for then.
void delay(DEADLINE_MS, undefined, { ref: false }).then(() => {
  process.stderr.write(`the chat did not end within ${DEADLINE_MS / 1000} s\n`);
  process.exit(1);
});

const first = await person(firstName, firstPassword);
const second = await person(secondName, secondPassword);

const { room_id: room } = await first.client.createRoom({
  name: "A first chat",
  preset: Preset.TrustedPrivateChat,
  invite: [second.client.getUserId()],
});
await second.client.joinRoom(room);

for (const [index, body] of LINES.entries()) {
  const [from, to] = index % 2 === 0 ? [first, second] : [second, first];
  const heard = to.hears(body);
  const sentAt = performance.now();
  await from.client.sendEvent(room, EventType.RoomMessage, { msgtype: MsgType.Text, body });
  const sender = await heard;
  console.log(`${sender}: ${body}  (read after ${Math.round(performance.now() - sentAt)} ms)`);
}
for (const { client } of [first, second]) client.stopClient();
console.log("both have read everything");

/** Logs in and syncs; `hears` resolves with the sender once a message with that text has arrived. */
async function person(name, password) {
  const { access_token, user_id, device_id } = await createClient({ baseUrl, logger: quiet }).loginRequest({
    type: "m.login.password",
    identifier: { type: "m.id.user", user: name },
    password,
  });
  const client = createClient({
    baseUrl,
    accessToken: access_token,
    userId: user_id,
    deviceId: device_id,
    logger: quiet,
  });
  await client.startClient({ initialSyncLimit: 20 });
  while (client.getSyncState() !== SyncState.Prepared && client.getSyncState() !== SyncState.Syncing) {
    await once(client, ClientEvent.Sync);
  }
  const hears = (text) =>
    new Promise((resolve) => {
      const listen = (event) => {
        if (event.getContent().body !== text || event.getSender() === user_id) return;
        client.off(RoomEvent.Timeline, listen);
        resolve(event.getSender());
      };
      client.on(RoomEvent.Timeline, listen);
    });
  return { client, hears };
}
