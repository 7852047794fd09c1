/**
 * Two people who register with the cloud's token and chat both ways, with matrix-js-sdk: for the e2e tests and
 * the demo. A process of its own, because Node reads NODE_EXTRA_CA_CERTS only at its start.
 *
 * usage: BASE_URL=https://... REGISTRATION_TOKEN=... node two-people.mjs
 * Prints what each of them saw; ends with status 1 when something did not arrive within its time.
 */
import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";

const baseUrl = process.env.BASE_URL;
const token = process.env.REGISTRATION_TOKEN;
const PATIENCE_MS = 30_000;
// The library's own log belongs to nobody here, and it takes hold of the console when it is loaded.
for (const level of ["debug", "info", "warn", "trace", "log"]) console[level] = () => undefined;
const { ClientEvent, createClient, Preset, RoomEvent } = await import("matrix-js-sdk");
const say = (line) => process.stdout.write(`${line}\n`);

async function person(name) {
  const visitor = createClient({ baseUrl });
  const username = `${name}-${randomUUID().slice(0, 8)}`;
  const body = { username, password: randomUUID(), device_id: "TEST" };
  const first = await unhurried(() => visitor.registerRequest(body)).then(
    (reply) => ({ reply }),
    (error) => ({ error }),
  );
  const session =
    first.reply ??
    (await unhurried(() =>
      visitor.registerRequest({
        ...body,
        auth: { ...stageOf(first.error), session: first.error.data.session },
      }),
    ));
  const client = createClient({
    baseUrl,
    userId: session.user_id,
    accessToken: session.access_token,
    deviceId: session.device_id,
  });
  const synced = until(
    client,
    ClientEvent.Sync,
    () => client.isInitialSyncComplete(),
    `${name}'s first sync`,
  );
  await client.startClient();
  await synced;
  return client;
}

/** A server that has had too many says when to come back. Source: Matrix specification, "Rate limiting". */
async function unhurried(ask) {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (error.errcode !== "M_LIMIT_EXCEEDED") throw error;
      await new Promise((resolve) => setTimeout(resolve, error.data.retry_after_ms));
    }
  }
}

/** A server on loopback asks for nothing; a cloud asks for its token. */
function stageOf({ data }) {
  const isOpen = data.flows.some(({ stages }) => stages.includes("m.login.dummy"));
  return isOpen ? { type: "m.login.dummy" } : { type: "m.login.registration_token", token };
}

/** Resolves when a condition holds, looked at whenever the client says something. */
function until(client, event, condition, what) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${what}: not within ${PATIENCE_MS / 1000} s`)),
      PATIENCE_MS,
    );
    const look = () => {
      if (!condition()) return;
      clearTimeout(timer);
      client.off(event, look);
      resolve();
    };
    client.on(event, look);
    look();
  });
}

const heard = (client, roomId, text) =>
  client
    .getRoom(roomId)
    ?.getLiveTimeline()
    .getEvents()
    .some((event) => event.getContent().body === text) ?? false;

async function tell(from, to, roomId, text) {
  const arrived = until(to, RoomEvent.Timeline, () => heard(to, roomId, text), `"${text}"`);
  const { event_id: eventId } = await from.sendTextMessage(roomId, text);
  await arrived;
  say(`${from.getUserId()} -> ${to.getUserId()}: ${text} (${eventId})`);
}

/** All black, 640 by 480. */
const PICTURE = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAoAAAAHgAQAAAAAdquFJAAAAPUlEQVR42u3BAQ0AAADCoPdPbQ43oAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADgzwCX4AABS8wbSgAAAABJRU5ErkJggg==",
  "base64",
);

/** Shows a picture; the other one sees it small. */
async function show(from, to) {
  const { content_uri: uri } = await from.uploadContent(PICTURE, { type: "image/png" });
  const url = to.mxcUrlToHttp(uri, 96, 96, "scale", false, true, true);
  const response = await globalThis.fetch(url, {
    headers: { authorization: `Bearer ${to.getAccessToken()}` },
  });
  const small = Buffer.from(await response.arrayBuffer());
  // What cannot be made smaller is shown as it is.
  if (!response.ok || small.equals(PICTURE)) throw new Error(`there is no thumbnail: ${response.status}`);
  say(`${to.getUserId()} sees a picture of ${from.getUserId()}: ${small.length} bytes`);
}

const [alice, bob] = [await person("alice"), await person("bob")];
const { room_id: roomId } = await alice.createRoom({
  name: "Kitchen",
  preset: Preset.PrivateChat,
  invite: [bob.getUserId()],
});
await until(
  bob,
  ClientEvent.Sync,
  () => bob.getRoom(roomId)?.getMyMembership() === "invite",
  "the invitation",
);
await bob.joinRoom(roomId);
await until(bob, ClientEvent.Sync, () => bob.getRoom(roomId)?.getMyMembership() === "join", "the join");
await tell(alice, bob, roomId, "dinner is ready");
await tell(bob, alice, roomId, "on my way 🏃");
await show(alice, bob);
say(`room ${roomId}`);
for (const client of [alice, bob]) {
  client.stopClient();
  await client.logout(true);
}
process.exit(0);
