/**
 * A day of a person and a bot with matrix-bot-sdk, and of an application service that is built on it. Each step is
 * checked by what the other one sees. Without encryption: its module of machine code is not in the registry.
 *
 * usage: SERVER_URL=... LISTEN_PORT=... REGISTRATION=(JSON) MODULES=(a folder with node_modules) node day.mjs
 * Says `done` at its end.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createRequire } from "node:module";
import { join } from "node:path";

const { SERVER_URL: url, LISTEN_PORT: port, REGISTRATION, MODULES } = process.env;
const {
  Appservice,
  AutojoinRoomsMixin,
  LogLevel,
  LogService,
  MatrixAuth,
  MemoryStorageProvider,
  MatrixClient,
  PowerLevelAction,
} = createRequire(join(MODULES, "package.json"))("matrix-bot-sdk");
LogService.setLevel(LogLevel.ERROR);
LogService.muteModule("MatrixHttpClient");
const PATIENCE_MS = 10_000;

/** Resolves with the first event, as a list of its arguments, that is as it should be. */
function heard(emitter, name, isWanted) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${name}: ${isWanted}`)), PATIENCE_MS);
    emitter.on(name, (...about) => {
      if (!isWanted(...about)) return;
      clearTimeout(timer);
      resolve(about);
    });
  });
}

async function person(name) {
  const auth = new MatrixAuth(url);
  await auth.passwordRegister(name, `${name}'s password`);
  const { accessToken } = await auth.passwordLogin(name, `${name}'s password`, "the day");
  return new MatrixClient(url, accessToken, new MemoryStorageProvider());
}

const ann = await person("ann");
const bot = await person("bot");
await assert.rejects(new MatrixAuth(url).passwordLogin("ann", "not the password"), /M_FORBIDDEN/);
assert.equal(await ann.getUserId(), "@ann:hs1");
AutojoinRoomsMixin.setupOnClient(bot);
bot.on("room.message", async (room, event) => {
  if (event.sender !== "@bot:hs1" && event.content.body === "!hello")
    await bot.replyNotice(room, event, "hello, you");
});
await bot.start();
await ann.start();

// A room, to which the bot comes by itself, and in which it answers.
const room = await ann.createRoom({ name: "Kitchen", room_alias_name: "kitchen", preset: "public_chat" });
const joined = heard(bot, "room.join", (id) => id === room);
await ann.inviteUser("@bot:hs1", room);
await joined;
assert.equal(await bot.resolveRoom("#kitchen:hs1"), room);
assert.deepEqual((await ann.getJoinedRoomMembers(room)).sort(), ["@ann:hs1", "@bot:hs1"]);
const answered = heard(ann, "room.message", (_, event) => event.sender === "@bot:hs1");
const question = await ann.sendText(room, "!hello");
const [, answer] = await answered;
assert.equal(answer.content.msgtype, "m.notice");
assert.equal(answer.content["m.relates_to"]["m.in_reply_to"].event_id, question);

// Edits, reactions, what is taken back.
await ann.sendMessage(room, {
  ...{ msgtype: "m.text", body: "* !hallo" },
  "m.new_content": { msgtype: "m.text", body: "!hallo" },
  "m.relates_to": { rel_type: "m.replace", event_id: question },
});
const reaction = { "m.relates_to": { rel_type: "m.annotation", event_id: question, key: "👍" } };
await bot.sendEvent(room, "m.reaction", reaction);
const { chunk } = await ann.getRelationsForEvent(room, question, "m.annotation");
assert.equal(chunk[0].content["m.relates_to"].key, "👍");
const redacted = heard(bot, "room.event", (_, event) => event.type === "m.room.redaction");
const mistake = await ann.sendText(room, "never mind");
await ann.redactEvent(room, mistake, "no");
assert.equal((await redacted)[1].redacts, mistake);
assert.deepEqual((await bot.getRawEvent(room, mistake)).content, {});
await bot.setTyping(room, true, 1000);
await bot.sendReadReceipt(room, question);
const around = await bot.getEventContext(room, question);
assert.equal(around.event.eventId, question);

// Profiles, pictures, presence, what each keeps for themself.
const data = Buffer.from("no real picture");
const uri = await ann.uploadContent(data, "image/png", "tea.png");
const path = `/_matrix/client/v1/media/download/${uri.slice("mxc://".length)}`;
const { body } = await bot.doRequest("GET", path, null, null, 10_000, true);
assert.deepEqual(Buffer.from(body), data);
await ann.setDisplayName("Ann");
await ann.setAvatarUrl(uri);
assert.deepEqual(await bot.getUserProfile("@ann:hs1"), { displayname: "Ann", avatar_url: uri });
await ann.setPresenceStatus("online", "at tea");
assert.equal((await bot.getPresenceStatusFor("@ann:hs1")).statusMessage, "at tea");
await ann.setAccountData("org.example.note", { tea: "green" });
assert.deepEqual(await ann.getAccountData("org.example.note"), { tea: "green" });
const found = await ann.doRequest("POST", "/_matrix/client/v3/search", null, {
  search_categories: { room_events: { search_term: "hello" } },
});
assert.ok(found.search_categories.room_events.count > 0);

// Power, and its use.
assert.equal(await bot.userHasPowerLevelForAction("@bot:hs1", room, PowerLevelAction.Kick), false);
await ann.setUserPowerLevel("@bot:hs1", room, 50);
assert.equal(await bot.userHasPowerLevelForAction("@bot:hs1", room, PowerLevelAction.Kick), true);
const space = await ann.createSpace({ name: "House", isPublic: false });
await space.addChildRoom(room);
assert.deepEqual(Object.keys(await space.getChildEntities()), [room]);

// An application service: it makes whom somebody looks for, and hears them.
const registration = JSON.parse(REGISTRATION);
const service = new Appservice({
  ...{ registration, port: Number(port), bindAddress: "127.0.0.1" },
  ...{ homeserverName: "hs1", homeserverUrl: url, storage: new MemoryStorageProvider() },
});
service.on("query.user", (userId, create) => {
  assert.equal(userId, "@puppet_eve:hs1");
  create({ display_name: "Eve" });
});
service.on("room.invite", (id, event) => void service.getIntentForUserId(event.state_key).joinRoom(id));
await service.begin();
const there = heard(service, "room.join", (id) => id === room);
await ann.inviteUser("@puppet_eve:hs1", room);
await there;
assert.equal((await bot.getUserProfile("@puppet_eve:hs1")).displayname, "Eve");
const spoken = heard(bot, "room.message", (_, event) => event.sender === "@puppet_eve:hs1");
const typed = heard(service, "ephemeral.event", (event) => event.type === "m.typing");
const listened = heard(service, "room.message", (_, event) => event.content.body === "hello, Eve");
await ann.setTyping(room, true, 5000);
await ann.sendText(room, "hello, Eve");
await Promise.all([typed, listened]);
await service.getIntentForSuffix("eve").sendText(room, "hello, all");
assert.equal((await spoken)[1].content.body, "hello, all");
service.stop();

// The end of the day.
await bot.leaveRoom(room);
await bot.forgetRoom(room);
assert.deepEqual(await bot.getJoinedRooms(), []);
for (const client of [ann, bot]) {
  client.stop();
  await client.doRequest("POST", "/_matrix/client/v3/logout", null, {});
  await assert.rejects(client.getWhoAmI(), /M_UNKNOWN_TOKEN/);
}
process.stdout.write("done\n");
process.exit(0);
