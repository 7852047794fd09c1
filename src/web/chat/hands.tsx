/**
 * Raised hands: in a class, who wants to say something, in the order in which they raised it. Each hand is a state event
 * that its owner alone may write; rooms of that kind let everybody write it.
 */
import type { MatrixClient, Room } from "matrix-js-sdk";
import { attempt } from "../ui/toasts.jsx";
import { t } from "../words/words.js";
import { IconButton } from "../ui/icons.jsx";
import { useChat } from "./context.js";
import { HAND, nameOf } from "./describe.js";
import { mayAt, MODERATOR, powerLevels, powerOf } from "./rights.js";

/** @returns who raised a hand, first come first */
export function handsUp(room: Room): string[] {
  return room.currentState
    .getStateEvents(HAND)
    .filter((event) => event.getContent<{ raised?: boolean }>().raised === true)
    .sort((one, other) => one.getTs() - other.getTs())
    .map((event) => event.getSender() ?? "")
    .filter((userId) => room.getMember(userId)?.membership === "join");
}

/** Shown in rooms that have hands. */
export function Hands({ room }: { readonly room: Room }) {
  const { client, userId, changes } = useChat();
  void changes.value;
  if (powerLevels(room).events?.[HAND] !== 0 || !mayAt(room, HAND, userId)) return null;
  const up = handsUp(room);
  const isUp = up.includes(userId);
  return (
    <div class="hands">
      <IconButton
        icon="hand"
        label={isUp ? t("lowerHand") : t("raiseHand")}
        isPressed={isUp}
        onClick={() => attempt(setHand(client, room, userId, !isUp))}
      />
      <span role="status" dir="auto">
        {up.length > 0 && t("handsUp", { names: up.map((it) => nameOf(it, room)).join(", ") })}
      </span>
      {up.length > 0 && powerOf(room, userId) >= MODERATOR && (
        <button class="plain" onClick={() => attempt(callOn(client, room, up[0] ?? ""))}>
          {t("callOn", { name: nameOf(up[0] ?? "", room) })}
        </button>
      )}
    </div>
  );
}

async function setHand(client: MatrixClient, room: Room, userId: string, raised: boolean): Promise<void> {
  await client.sendStateEvent(room.roomId, HAND as never, { raised } as never, userId);
}

/** Says whose turn it is: the hand is theirs to lower. */
async function callOn(client: MatrixClient, room: Room, userId: string): Promise<void> {
  const name = nameOf(userId, room);
  await client.sendEvent(
    room.roomId,
    "m.room.message" as never,
    {
      msgtype: "m.text",
      body: t("yourTurn", { name }),
      "m.mentions": { user_ids: [userId] },
    } as never,
  );
}
