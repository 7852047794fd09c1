/** Pushers: who is told of what, when, and what happens when the other end does not answer. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { verify } from "node:crypto";
import { encryptWebPush, newVapidKey, vapidHeader } from "../../src/server/core/web-push.js";
import { Outbound } from "../../src/server/runtime/outbound.js";
import { PushSender } from "../../src/server/workers/push-sender.js";
import { PushListener, Subscription } from "./push-listener.js";
import { callApi, refusal, register, startTestServer, type Person, type TestServer } from "./test-server.js";

const at = encodeURIComponent;
let server: TestServer;
let alice: Person;
let bob: Person;
let listener: PushListener;
let roomId = "";
let names = 0;

beforeAll(async () => {
  server = await startTestServer({ push: { allowedNetworks: ["127.0.0.0/8"] } });
});
afterAll(() => server.stop());
beforeEach(async () => {
  listener = new PushListener();
  names += 1;
  [alice, bob] = await Promise.all([register(server, `alice${names}`), register(server, `bob${names}`)]);
  ({ room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", {
    invite: [bob.userId],
    name: "Attic",
  }));
  await bob.post(`rooms/${at(roomId)}/join`, {});
});
afterEach(() => listener.stop());

const pusher = (more: object = {}, data: object = {}) => ({
  kind: "http",
  app_id: "org.example.app",
  pushkey: `key${names}`,
  app_display_name: "App",
  device_display_name: "Phone",
  lang: "en",
  data: { url: listener.notifyUrl, brand: "x", ...data },
  ...more,
});
const set = (person: Person, body: object) => person.post("pushers/set", body);
const pushers = async (person: Person) =>
  (await person.get<{ pushers: Record<string, unknown>[] }>("pushers")).pushers;

interface Notification {
  readonly event_id?: string;
  readonly counts?: { readonly unread: number };
  readonly devices: readonly Record<string, unknown>[];
}
const notification = ({ json }: { json: Record<string, unknown> } = { json: {} }) =>
  json["notification"] as Notification;

describe("pushers", () => {
  test("are listed, changed, and gone with a null, or with the session that made them", async () => {
    await set(bob, pusher({ profile_tag: "t" }));
    expect(await pushers(bob)).toEqual([
      {
        app_id: "org.example.app",
        pushkey: `key${names}`,
        kind: "http",
        app_display_name: "App",
        device_display_name: "Phone",
        profile_tag: "t",
        lang: "en",
        data: { url: listener.notifyUrl, brand: "x" },
      },
    ]);
    await set(bob, pusher({ lang: "de" }));
    expect((await pushers(bob)).map(({ lang }) => lang)).toEqual(["de"]);
    await set(bob, { kind: null, app_id: "org.example.app", pushkey: `key${names}` });
    expect(await pushers(bob)).toEqual([]);

    await set(bob, pusher());
    await bob.post("logout", {});
    const again = await callApi<{ access_token: string }>(server.url, "POST", "login", {
      type: "m.login.password",
      identifier: { type: "m.id.user", user: bob.userId },
      password: `bob${names}'s password`,
    });
    expect(await callApi<object>(server.url, "GET", "pushers", undefined, again.access_token)).toEqual({
      pushers: [],
    });
  });

  test("of one key belong to one user, unless they are appended", async () => {
    await set(bob, pusher());
    await set(alice, pusher({ append: true }));
    expect([(await pushers(bob)).length, (await pushers(alice)).length]).toEqual([1, 1]);
    await set(alice, pusher());
    expect([(await pushers(bob)).length, (await pushers(alice)).length]).toEqual([0, 1]);
  });

  test("that nothing can be sent to are refused", async () => {
    const { lang: _lang, ...without } = pusher();
    expect((await refusal(set(bob, without))).code).toBe("M_MISSING_PARAM");
    for (const wrong of [
      pusher({ kind: "email" }),
      pusher({ pushkey: "k".repeat(513) }),
      pusher({ app_id: "a".repeat(65) }),
      pusher({}, { url: `${listener.url}/elsewhere` }),
      pusher({}, { url: "ftp://example.org/_matrix/push/v1/notify" }),
      pusher({}, { url: "https://192.168.1.1/_matrix/push/v1/notify" }),
      pusher({ kind: "webpush", pushkey: "no point" }, { auth: Buffer.alloc(16).toString("base64url") }),
    ]) {
      const error = await refusal(set(bob, wrong));
      expect([error.status, error.code]).toEqual([
        400,
        expect.stringMatching(/^M_(INVALID_PARAM|BAD_JSON)$/) as unknown as string,
      ]);
    }
  });
});

describe("a push gateway", () => {
  test("is told of what notifies, with what is unread, and of reading", async () => {
    await set(bob, pusher());
    await alice.call("PUT", `profile/${at(alice.userId)}/displayname`, { displayname: "Alice" });
    await alice.call("PUT", `rooms/${at(roomId)}/state/m.room.topic`, { topic: "notifies nobody" });
    const eventId = await alice.send(roomId, "hello");
    const [first] = await listener.atLeast(1);
    const told = notification(first);
    expect(told).toMatchObject({
      event_id: eventId,
      room_id: roomId,
      type: "m.room.message",
      sender: alice.userId,
      sender_display_name: "Alice",
      room_name: "Attic",
      prio: "high",
      content: { body: "hello" },
      counts: { unread: 1 },
    });
    expect(told.devices).toEqual([
      {
        app_id: "org.example.app",
        pushkey: `key${names}`,
        pushkey_ts: expect.any(Number) as number,
        data: { brand: "x" },
        tweaks: { sound: "default", highlight: false },
      },
    ]);
    await alice.send(roomId, "more");
    expect(notification((await listener.atLeast(2))[1]).counts).toEqual({ unread: 2 });
    await bob.post(`rooms/${at(roomId)}/receipt/m.read/${at(eventId)}`, {});
    const read = notification((await listener.atLeast(3))[2]);
    expect([read.counts, read.event_id]).toEqual([{ unread: 1 }, undefined]);
  });

  test("is not told of an invite that is kept from its user", async () => {
    await set(bob, pusher());
    const filter = (content: object) =>
      bob.call(
        "PUT",
        `user/${at(bob.userId)}/account_data/org.matrix.msc4155.invite_permission_config`,
        content,
      );
    await filter({ ignored_users: [alice.userId] });
    const [carol, kept] = [await register(server, `carol${names}`), { invite: [bob.userId] }];
    await alice.post("createRoom", kept);
    const wanted = await carol.post<{ room_id: string }>("createRoom", kept);
    const [told] = await listener.atLeast(1);
    expect(notification(told)).toMatchObject({ room_id: wanted.room_id });
  });

  test("is told the ids alone if that is wanted, and of an invite", async () => {
    await set(bob, pusher({}, { format: "event_id_only" }));
    const room = await alice.post<{ room_id: string }>("createRoom", { invite: [bob.userId] });
    const [invite] = await listener.atLeast(1);
    const told = notification(invite);
    expect(Object.keys(told).toSorted()).toEqual(["devices", "event_id", "room_id"]);
    expect(told).toMatchObject({ room_id: room.room_id, devices: [{ data: { format: "event_id_only" } }] });
    expect(told.devices[0]).not.toHaveProperty("tweaks");
  });

  test("that fails is told again, in order and nothing twice; another one does not wait for it", async () => {
    const other = new PushListener();
    try {
      await set(bob, pusher());
      await set(bob, pusher({ pushkey: `other${names}` }, { url: other.notifyUrl }));
      let failures = 2;
      listener.answer = () =>
        failures-- > 0 ? new Response("no", { status: 503 }) : Response.json({ rejected: [] });
      const sent = [await alice.send(roomId, "1"), await alice.send(roomId, "2")];
      await other.atLeast(2);
      expect(other.received.map((one) => notification(one).event_id)).toEqual(sent);
      expect(listener.received.length).toBeLessThan(4);
      await listener.atLeast(4);
      expect(listener.received.map((one) => notification(one).event_id)).toEqual([
        sent[0],
        sent[0],
        sent[0],
        sent[1],
      ]);
    } finally {
      await other.stop();
    }
  });

  test("that rejects the key is told no more", async () => {
    await set(bob, pusher());
    listener.answer = () => Response.json({ rejected: [`key${names}`] });
    await alice.send(roomId, "1");
    await listener.atLeast(1);
    for (let tries = 0; (await pushers(bob)).length > 0; tries++) {
      expect(tries).toBeLessThan(200);
      await Bun.sleep(10);
    }
  });

  test("hears after a restart what it missed, but not what was read or redacted meanwhile", async () => {
    await set(bob, pusher());
    await alice.send(roomId, "told");
    await listener.atLeast(1);
    // The running server's sender is busy with a gateway that is down, as if it had died.
    listener.answer = () => new Response("", { status: 500 });
    const read = await alice.send(roomId, "read");
    await listener.atLeast(2);
    const redacted = await alice.send(roomId, "redacted");
    const missed = await alice.send(roomId, "missed");
    await bob.post(`rooms/${at(roomId)}/receipt/m.read/${at(read)}`, {});
    await alice.call("PUT", `rooms/${at(roomId)}/redact/${at(redacted)}/r${names}`, {});
    const before = listener.received.length;
    listener.answer = () => Response.json({ rejected: [] });
    const anew = new PushSender(server.running.services, false);
    anew.start();
    try {
      await listener.atLeast(before + 1);
      expect(notification(listener.received[before]).event_id).toBe(missed);
    } finally {
      await anew.stop();
    }
  });
});

describe("Web Push", () => {
  test("is encrypted as in the RFC's example, and signed by a key that verifies", () => {
    const keys = {
      p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
      auth: "BTBZMqHH6r4Tts7J_aSIgg",
    };
    const own = {
      privateKey: Buffer.from("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw", "base64url"),
      salt: Buffer.from("DGv6ra1nlYgDCS1FRnbzlw", "base64url"),
    };
    const text = "When I grow up, I want to be a watermelon";
    expect(encryptWebPush(Buffer.from(text), keys, own).toString("base64url")).toBe(
      "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
    );
    const key = newVapidKey();
    const header = vapidHeader("https://push.example/a/b", "https://chat.example", key, 0);
    const [, signed = "", signature = "", k] = /^vapid t=(.+)\.([^.]+), k=(.+)$/.exec(header) ?? [];
    expect(k).toBe(key.publicKey);
    expect(JSON.parse(Buffer.from(signed.split(".")[1] ?? "", "base64url").toString())).toEqual({
      aud: "https://push.example",
      exp: 43_200,
      sub: "https://chat.example",
    });
    const point = Buffer.from(key.publicKey, "base64url");
    const jwk = {
      kty: "EC",
      crv: "P-256",
      x: point.subarray(1, 33).toString("base64url"),
      y: point.subarray(33).toString("base64url"),
    };
    expect(
      verify(
        "sha256",
        Buffer.from(signed),
        { key: jwk, format: "jwk", dsaEncoding: "ieee-p1363" },
        Buffer.from(signature, "base64url"),
      ),
    ).toBe(true);
  });

  test("goes to a device that has shown that messages arrive, and to nobody else", async () => {
    const browser = new Subscription();
    const body = pusher(
      { kind: "org.matrix.msc4174.webpush", pushkey: browser.p256dh },
      { url: `${listener.url}/push/1`, auth: browser.auth, default_payload: { client: "c" } },
    );
    const answer = await fetch(`${server.url}/_matrix/client/v3/pushers/set`, {
      method: "POST",
      headers: { authorization: `Bearer ${bob.token}` },
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(201);
    const [proof] = await listener.atLeast(1);
    const ack = browser.read(proof?.body ?? Buffer.alloc(0));
    expect(ack["app_id"]).toBe("org.example.app");
    await alice.send(roomId, "too early");

    const path = "/_matrix/client/unstable/org.matrix.msc4174/pushers/ack";
    const prove = (person: Person, token: unknown, app = "org.example.app") =>
      person.post(path, { app_id: app, ack_token: token });
    expect((await refusal(prove(bob, "x"))).code).toBe("M_UNKNOWN_ACTIVATION_TOKEN");
    expect((await refusal(prove(bob, "x", "other"))).status).toBe(404);
    expect((await refusal(prove(alice, ack["ack_token"]))).status).toBe(404);
    expect((await pushers(bob))[0]?.["data"]).toMatchObject({ activated: false });
    await prove(bob, ack["ack_token"]);
    expect((await pushers(bob))[0]?.["data"]).toMatchObject({ activated: true });

    const eventId = await alice.send(roomId, "now");
    const pushed = (await listener.atLeast(2))[1];
    expect(browser.read(pushed?.body ?? Buffer.alloc(0))).toMatchObject({
      client: "c",
      event_id: eventId,
      room_id: roomId,
      content: { body: "now" },
      unread: 2,
    });
    const { capabilities } = await bob.get<{ capabilities: Record<string, { vapid?: string }> }>(
      "capabilities",
    );
    const vapid = capabilities["org.matrix.msc4174.webpush"]?.vapid ?? "";
    expect(pushed?.headers.get("authorization")).toEndWith(`k=${vapid}`);
    expect(pushed?.headers.get("content-encoding")).toBe("aes128gcm");

    // The same again changes nothing: no second proof.
    await set(bob, body);
    expect((await pushers(bob))[0]?.["data"]).toMatchObject({ activated: true });
    listener.answer = () => new Response("", { status: 410 });
    await alice.send(roomId, "gone");
    await listener.atLeast(3);
    for (let tries = 0; (await pushers(bob)).length > 0; tries++) {
      expect(tries).toBeLessThan(200);
      await Bun.sleep(10);
    }
  });
});

describe("the server's own gateway", () => {
  const path = "/_matrix/push/v1/notify";
  const notify = (body: object) => callApi<{ rejected: string[] }>(server.url, "POST", path, body);

  test("says that it is one, and passes on to the distributors of this server's users", async () => {
    expect(await callApi<object>(server.url, "GET", path)).toEqual({ unifiedpush: { gateway: "matrix" } });
    const pushkey = `${listener.url}/up/1`;
    await set(bob, pusher({ pushkey }, { url: `${server.running.services.config.publicBaseUrl}${path}` }));
    const eventId = await alice.send(roomId, "to the distributor");
    const [relayed] = await listener.atLeast(1);
    expect(relayed?.path).toBe("/up/1");
    expect(notification(relayed)).toMatchObject({
      event_id: eventId,
      content: { body: "to the distributor" },
    });
    expect(notification(relayed)).not.toHaveProperty("devices");

    const stranger = `${listener.url}/up/2`;
    const devices = [pushkey, stranger].map((key) => ({ app_id: "x", pushkey: key }));
    expect(await notify({ notification: { event_id: "$a", devices } })).toEqual({ rejected: [stranger] });
    expect(listener.received).toHaveLength(2);
  });

  test("cuts what is too long, says when it is to be sent again, and which keys are gone", async () => {
    const pushkey = `${listener.url}/up/3`;
    await set(bob, pusher({ pushkey }));
    const notice = (body: string) => ({
      notification: { event_id: "$a", room_id: "!r", content: { body }, devices: [{ app_id: "x", pushkey }] },
    });
    await notify(notice("x".repeat(5_000)));
    expect(notification(listener.received[0])).toEqual({ event_id: "$a", room_id: "!r" } as never);
    listener.answer = () => new Response("", { status: 503 });
    expect((await refusal(notify(notice("")))).status).toBe(502);
    listener.answer = () => new Response("", { status: 404 });
    expect(await notify(notice(""))).toEqual({ rejected: [pushkey] });
  });
});

test("what somebody was notified of comes in pages, read or not, and highlights alone if wanted", async () => {
  const first = await alice.send(roomId, "one");
  await alice.send(roomId, "two");
  const mention = `rooms/${at(roomId)}/send/m.room.message/m${names}`;
  const { event_id: third } = await alice.call<{ event_id: string }>("PUT", mention, {
    msgtype: "m.text",
    body: "three",
    "m.mentions": { user_ids: [bob.userId] },
  });
  await bob.post(`rooms/${at(roomId)}/receipt/m.read/${at(first)}`, {});
  interface Page {
    readonly notifications: {
      event: { event_id: string; content: { body?: string } };
      read: boolean;
      room_id: string;
    }[];
    readonly next_token?: string;
  }
  const seen: [string | undefined, boolean][] = [];
  for (let from = "", pages = 0; pages < 10; pages++) {
    const page = await bob.get<Page>(`notifications?limit=2${from}`);
    seen.push(
      ...page.notifications.map(({ event, read }): [string | undefined, boolean] => [
        event.content.body,
        read,
      ]),
    );
    if (page.next_token === undefined) break;
    from = `&from=${page.next_token}`;
  }
  // The last is the invite.
  expect(seen).toEqual([
    ["three", false],
    ["two", false],
    ["one", true],
    [undefined, true],
  ]);
  const highlights = await bob.get<Page>("notifications?only=highlight");
  expect(highlights.notifications.map(({ event }) => event.event_id)).toEqual([third]);
  expect((await refusal(bob.get("notifications?from=x"))).code).toBe("M_INVALID_PARAM");
});

test("nothing is sent into one's own networks that is not allowed, and no redirection followed", async () => {
  const closed = new Outbound([]);
  const port = new URL(listener.url).port;
  for (const url of [
    listener.url,
    `https://127.0.0.1:${port}/`,
    `https://[::1]:${port}/`,
    `https://[::ffff:127.0.0.1]:${port}/`,
    `https://localhost:${port}/`,
    `https://user@example.org/`,
    "https://10.1.2.3/",
    "https://[fd00::1]/",
  ]) {
    const error: unknown = await closed.post(url, {}, "x", 2_000).catch((reason: unknown) => reason);
    expect(String(error)).toContain("may");
  }
  expect(listener.received).toHaveLength(0);
  listener.answer = () => Response.redirect(`${listener.url}/elsewhere`, 307);
  expect((await new Outbound(["127.0.0.0/8"]).post(`${listener.url}/first`, {}, "x", 2_000)).status).toBe(
    307,
  );
  expect(listener.received.map(({ path }) => path)).toEqual(["/first"]);
});
