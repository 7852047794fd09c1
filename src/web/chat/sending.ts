/**
 * Messages as they are sent: texts, answers, and what takes the place of an earlier one.
 * Sources: Matrix client-server API v1.19, "Rich replies", "Event replacements", "Threading".
 */
import { EventType, RelationType, type MatrixClient, type MatrixEvent, type Room } from "matrix-js-sdk";
import { contentOf } from "./formatting.js";

export interface Where {
  readonly threadId: string | null;
  readonly replyTo?: MatrixEvent | undefined;
  /** User ids by the names that were typed. */
  readonly named?: ReadonlyMap<string, string>;
}

/** @throws Error when it could not be sent; it stays in the room as not sent then */
export async function sendText(client: MatrixClient, room: Room, text: string, where: Where): Promise<void> {
  const { threadId, replyTo, named = new Map() } = where;
  const content = await contentOf(text, named);
  const people = new Set(content["m.mentions"].user_ids ?? []);
  const answered = replyTo?.getSender();
  if (answered !== undefined && answered !== room.myUserId) people.add(answered);
  await client.sendEvent(room.roomId, threadId, EventType.RoomMessage, {
    ...content,
    "m.mentions": people.size === 0 ? {} : { user_ids: [...people] },
    ...(replyTo !== undefined && {
      "m.relates_to": { "m.in_reply_to": { event_id: replyTo.getId() ?? "" } },
    }),
  } as never);
}

/** @param event one's own; its newest text is replaced. @throws Error when it could not be sent */
export async function editMessage(
  client: MatrixClient,
  room: Room,
  event: MatrixEvent,
  text: string,
  named: ReadonlyMap<string, string> = new Map(),
): Promise<void> {
  const content = await contentOf(text, named);
  await client.sendEvent(room.roomId, event.threadRootId ?? null, EventType.RoomMessage, {
    ...content,
    body: `* ${text}`,
    ...(content.formatted_body !== undefined && { formatted_body: `* ${content.formatted_body}` }),
    "m.new_content": content,
    "m.relates_to": { rel_type: RelationType.Replace, event_id: event.getId() ?? "" },
  } as never);
}
