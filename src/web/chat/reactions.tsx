import { EventType, RelationType, type MatrixClient, type MatrixEvent, type Room } from "matrix-js-sdk";
import { attempt } from "../ui/toasts.jsx";
import { useChat } from "./context.js";
import { nameOf } from "./describe.js";
import type { MessageProps } from "./message.jsx";

/** What people think of a message, with how many of them; one's own are pressed. */
export function Reactions({ event, room }: Pick<MessageProps, "event" | "room" | "version">) {
  const { client } = useChat();
  const groups = reactionsTo(event, room);
  if (groups.length === 0) return null;
  return (
    <p class="reactions">
      {groups.map(({ key, events }) => {
        const names = events.map((it) => nameOf(it.getSender() ?? "", room));
        const isMine = events.some((it) => it.getSender() === room.myUserId);
        return (
          <button
            key={key}
            type="button"
            aria-pressed={isMine}
            title={names.join(", ")}
            aria-label={`${key} ${events.length}: ${names.join(", ")}`}
            onClick={() => attempt(react(client, room, event, key))}
          >
            <span aria-hidden="true">
              {key} {events.length}
            </span>
          </button>
        );
      })}
    </p>
  );
}

/** Longest key that is shown: what is longer is no emoji. */
const LONGEST_KEY = 24;

function reactionsTo(event: MatrixEvent, room: Room): { key: string; events: MatrixEvent[] }[] {
  const relations = room.relations.getChildEventsForEvent(
    event.getId() ?? "",
    RelationType.Annotation,
    EventType.Reaction,
  );
  return (relations?.getSortedAnnotationsByKey() ?? [])
    .map(([key, events]) => ({
      key: key.slice(0, LONGEST_KEY),
      events: [...events].filter((it) => !it.isRedacted()),
    }))
    .filter(({ events }) => events.length > 0);
}

/** Reacts, or takes one's own reaction back. @throws MatrixError */
export async function react(
  client: MatrixClient,
  room: Room,
  event: MatrixEvent,
  key: string,
): Promise<void> {
  const id = event.getId() ?? "";
  const own = reactionsTo(event, room)
    .find((group) => group.key === key)
    ?.events.find((it) => it.getSender() === room.myUserId);
  if (own !== undefined) await client.redactEvent(room.roomId, own.getId() ?? "");
  else
    await client.sendEvent(room.roomId, event.threadRootId ?? null, EventType.Reaction, {
      "m.relates_to": { rel_type: RelationType.Annotation, event_id: id, key },
    });
}
