/**
 * A server with people and chats as they are somewhere: messages of every kind, a class with raised hands, a thread.
 */
import { readFile } from "node:fs/promises";
import { callServer, register, type Account } from "../bench/server-process.js";

export interface Furnished {
  readonly ann: Account;
  /** With messages of every kind. */
  readonly garden: string;
  /** A message there that a thread hangs on. */
  readonly thread: string;
  /** A class, with hands up. */
  readonly school: string;
  readonly invitation: string;
}

let transactions = 0;

/** @param password is that of `register` for everybody */
export async function furnish(url: string): Promise<Furnished> {
  const names = { ann: "Anna Berger", ben: "Ben Okafor", mei: "林美", tom: "Tom" };
  const [ann, ben, mei, tom] = (await Promise.all(
    Object.entries(names).map(async ([name, displayname]) => {
      const account = await register(url, name);
      await callServer(url, "PUT", `profile/${account.userId}/displayname`, account.token, { displayname });
      return account;
    }),
  )) as [Account, Account, Account, Account];

  const room = async (by: Account, body: object, guests: readonly Account[]): Promise<string> => {
    const { room_id } = await callServer(url, "POST", "createRoom", by.token, {
      invite: guests.map(({ userId }) => userId),
      ...body,
    });
    for (const { token } of guests)
      await callServer(url, "POST", `join/${encodeURIComponent(String(room_id))}`, token, {});
    return String(room_id);
  };
  const send = async (roomId: string, { token }: Account, type: string, content: object): Promise<string> => {
    const path = `rooms/${encodeURIComponent(roomId)}/send/${type}/furnish${(transactions += 1)}`;
    return String((await callServer(url, "PUT", path, token, content))["event_id"]);
  };
  const say = (roomId: string, by: Account, body: string, more: object = {}) =>
    send(roomId, by, "m.room.message", { msgtype: "m.text", body, ...more });
  const upload = async (bytes: Buffer, type: string): Promise<string> => {
    const answer = await fetch(`${url}/_matrix/media/v3/upload`, {
      method: "POST",
      headers: { authorization: `Bearer ${ben.token}`, "content-type": type },
      body: new Uint8Array(bytes),
    });
    return ((await answer.json()) as { content_uri: string }).content_uri;
  };

  const garden = await room(ann, { name: "Community garden", topic: "Beds, tools, water and cake" }, [
    ben,
    mei,
    tom,
  ]);
  await say(garden, ben, "Good morning! The water is on again.");
  const question = await say(
    garden,
    mei,
    "Who has the key to the shed? I would like to fetch the wheelbarrow.",
  );
  await say(garden, ann, "I do. I am there at ten.", {
    "m.relates_to": { "m.in_reply_to": { event_id: question } },
  });
  await say(garden, mei, "太好了，谢谢！我们十点见。");
  await say(garden, tom, "What to bring on Saturday: gloves, cake, seeds", {
    format: "org.matrix.custom.html",
    formatted_body:
      "What to bring on <strong>Saturday</strong>:<ul><li>gloves</li><li>cake</li><li>seeds, see <code>list.txt</code></li></ul><blockquote>Many hands make light work.</blockquote>",
  });
  const picture = await upload(await readFile("src/web/icon-512.png"), "image/png");
  const shown = await say(garden, ben, "sign-for-the-gate.png", {
    msgtype: "m.image",
    url: picture,
    info: { mimetype: "image/png", w: 512, h: 512, size: 36_000 },
  });
  for (const [by, key] of [
    [ann, "👍"],
    [mei, "👍"],
    [tom, "🎉"],
  ] as const)
    await send(garden, by, "m.reaction", {
      "m.relates_to": { rel_type: "m.annotation", event_id: shown, key },
    });
  const file = await upload(Buffer.from("tomatoes\nbeans\n".repeat(300)), "text/plain");
  await say(garden, tom, "list.txt", {
    msgtype: "m.file",
    filename: "list.txt",
    url: file,
    info: { mimetype: "text/plain", size: 4_800 },
  });
  await say(garden, mei, "Voice message", {
    msgtype: "m.audio",
    url: file,
    info: { mimetype: "audio/ogg", duration: 7_400 },
    "org.matrix.msc3245.voice": {},
  });
  const wrong = await say(garden, ben, "See you on Sunday");
  await say(garden, ben, "* See you on Saturday", {
    "m.new_content": { msgtype: "m.text", body: "See you on Saturday" },
    "m.relates_to": { rel_type: "m.replace", event_id: wrong },
  });
  const gone = await say(garden, tom, "wrong chat");
  await callServer(url, "PUT", `rooms/${encodeURIComponent(garden)}/redact/${gone}/r1`, tom.token, {});
  await say(garden, tom, "waters the beans", { msgtype: "m.emote" });
  await say(garden, mei, "مرحبا، شكرا على الدعوة");
  await say(garden, ben, "🌻🌻");
  const poll = await send(garden, ben, "org.matrix.msc3381.poll.start", {
    "org.matrix.msc1767.text": "Which day for the summer party?",
    "org.matrix.msc3381.poll.start": {
      kind: "org.matrix.msc3381.poll.disclosed",
      max_selections: 1,
      question: { "org.matrix.msc1767.text": "Which day for the summer party?" },
      answers: [
        { id: "fri", "org.matrix.msc1767.text": "Friday evening" },
        { id: "sat", "org.matrix.msc1767.text": "Saturday afternoon" },
      ],
    },
  });
  for (const [by, answer] of [
    [ann, "sat"],
    [mei, "sat"],
    [tom, "fri"],
  ] as const)
    await send(garden, by, "org.matrix.msc3381.poll.response", {
      "m.relates_to": { rel_type: "m.reference", event_id: poll },
      "org.matrix.msc3381.poll.response": { answers: [answer] },
    });
  const thread = await say(garden, mei, "Shall we plant the apple tree this autumn?");
  const inThread = { "m.relates_to": { rel_type: "m.thread", event_id: thread } };
  await say(garden, ann, "Yes, beside the fence.", inThread);
  await say(garden, ben, "I know somebody with a young tree.", inThread);
  await say(garden, ann, "Bring the plan with you: https://example.org/garden/plan");

  const school = await room(
    mei,
    {
      name: "Class 7b",
      power_level_content_override: { events: { "io.imcloud.hand": 0 } },
    },
    [ann, ben],
  );
  await say(school, mei, "Today: light and shadow. Raise a hand if you have a question.");
  for (const { userId, token } of [ben, ann].slice(0, 1))
    await callServer(
      url,
      "PUT",
      `rooms/${encodeURIComponent(school)}/state/io.imcloud.hand/${userId}`,
      token,
      { raised: true },
    );
  const family = await room(ann, { name: "Family" }, [tom]);
  await callServer(
    url,
    "PUT",
    `user/${ann.userId}/rooms/${encodeURIComponent(family)}/tags/m.favourite`,
    ann.token,
    { order: 0.5 },
  );
  await say(family, tom, "Dinner is at seven");
  const direct = await room(ben, { is_direct: true, preset: "trusted_private_chat" }, [ann]);
  await callServer(url, "PUT", `user/${ann.userId}/account_data/m.direct`, ann.token, {
    [ben.userId]: [direct],
  });
  await say(direct, ben, "Do you still have my ladder?", { "m.mentions": { user_ids: [ann.userId] } });
  const invitation = await callServer(url, "POST", "createRoom", tom.token, {
    name: "Chess club",
    invite: [ann.userId],
  });
  await room(
    tom,
    {
      name: "Announcements",
      preset: "public_chat",
      visibility: "public",
      topic: "What everybody should know",
    },
    [],
  );
  return { ann, garden, thread, school, invitation: String(invitation["room_id"]) };
}
