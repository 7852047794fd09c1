/**
 * A room with as many messages as wanted, of every kind that people write.
 */
import pLimit from "p-limit";
import { callServer, type Account } from "../server-process.js";
import { sentence } from "../fill/sentences.js";

/** Requests on their way at once, each by its own person: what one says keeps its order. */
const AT_ONCE = 16;
let transactions = 0;

/** Says something. @returns the event's id */
export async function say(
  url: string,
  { token }: Account,
  roomId: string,
  body: string,
  more: object = {},
): Promise<string> {
  return send(url, token, roomId, "m.room.message", { msgtype: "m.text", body, ...more });
}

async function send(
  url: string,
  token: string,
  roomId: string,
  type: string,
  content: object,
): Promise<string> {
  const path = `rooms/${encodeURIComponent(roomId)}/send/${type}/${(transactions += 1)}`;
  return String((await callServer(url, "PUT", path, token, content))["event_id"]);
}

/** What the message of this number says: one line, several, a link, formatted. */
export function messageText(number: number): string {
  const said = `${number}: ${sentence(number)}`;
  if (number % 20 === 7) return `${said}, https://example.org/${number}?q=${number}`;
  if (number % 20 === 13)
    return [said, ...Array.from({ length: 4 }, (_, line) => sentence(number + line))].join("\n");
  return said;
}

/** @returns the room's id; both people are in it, and its last message has the number `count - 1` */
export async function fillRoom(
  url: string,
  [owner, guest]: readonly [Account, Account],
  count: number,
): Promise<string> {
  const { room_id } = await callServer(url, "POST", "createRoom", owner.token, {
    preset: "public_chat",
    name: "Filled",
  });
  const roomId = String(room_id);
  await callServer(url, "POST", `rooms/${encodeURIComponent(roomId)}/join`, guest.token, {});
  const limit = pLimit(AT_ONCE);
  // In groups, so that numbers grow with the room all in all, and within one nobody waits for anybody.
  for (let first = 0; first < count; first += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, index) => first + index);
    await Promise.all(numbers.map((number) => limit(() => one(url, [owner, guest], roomId, number))));
  }
  return roomId;
}

async function one(
  url: string,
  people: readonly [Account, Account],
  roomId: string,
  number: number,
): Promise<void> {
  const author = people[Math.floor(number / 3) % 2 === 0 ? 0 : 1];
  const body = messageText(number);
  const isFormatted = number % 20 === 3;
  const id = await say(url, author, roomId, body, {
    ...(isFormatted && {
      format: "org.matrix.custom.html",
      formatted_body: `${number}: <strong>${sentence(number)}</strong><ul><li>one</li><li><code>two</code></li></ul>`,
    }),
  });
  if (number % 10 === 5)
    for (const [index, key] of ["👍", "🎉"].entries())
      await send(url, people[index === 0 ? 0 : 1].token, roomId, "m.reaction", {
        "m.relates_to": { rel_type: "m.annotation", event_id: id, key },
      });
}
