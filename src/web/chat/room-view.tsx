import { KnownMembership, type Room } from "matrix-js-sdk";
import { useEffect, useMemo } from "preact/hooks";
import { addressOf, go } from "../route.js";
import { Avatar } from "../ui/avatar.jsx";
import { Icon, IconButton } from "../ui/icons.jsx";
import { attempt } from "../ui/toasts.jsx";
import { many, t } from "../words/words.js";
import { Composer } from "./composer.jsx";
import { useChat } from "./context.js";
import { addDirect } from "./direct.js";
import { Draft } from "./draft.js";
import { Hands } from "./hands.jsx";
import { panelFor } from "./panels.jsx";
import { nameOf, shortName } from "./describe.js";
import { avatarOf, directRooms } from "./room-entries.js";
import { Timeline } from "./timeline.jsx";

export interface RoomViewProps {
  readonly roomId: string;
  /** What is open beside the conversation, and of what. */
  readonly panel: string | undefined;
  readonly item: string | undefined;
}

export function RoomView({ roomId, panel, item }: RoomViewProps) {
  const chat = useChat();
  // Read, so that changes of the room draw this anew.
  void chat.changes.value;
  void chat.isReady.value;
  const room = chat.room(roomId);
  const membership = room?.getMyMembership();
  const draft = useMemo(() => new Draft(roomId), [roomId]);
  useEffect(() => {
    if (room !== undefined && membership === KnownMembership.Join) attempt(room.loadMembersIfNeeded());
  }, [room, membership]);
  if (room === undefined) return <main class="view empty">{chat.isReady.value ? t("noSuchRoom") : ""}</main>;
  if (membership === KnownMembership.Invite) return <Invitation room={room} />;
  return (
    <>
      <main
        class={`view room ${panel === undefined || panel === "at" ? "" : "has-panel"}`}
        aria-label={shortName(room.name)}
        onDrop={(event) => {
          for (const file of event.dataTransfer?.files ?? []) chat.uploads.add(room, file, null);
        }}
      >
        <RoomHeader room={room} />
        <Timeline room={room} draft={draft} at={panel === "at" ? item : undefined} />
        <Successor room={room} />
        <Hands room={room} />
        <Composer room={room} draft={draft} />
      </main>
      {panel !== undefined && panelFor(panel, room, item)}
    </>
  );
}

function RoomHeader({ room }: { readonly room: Room }) {
  const chat = useChat();
  void chat.changes.value;
  const isDirect = directRooms(chat.client).has(room.roomId);
  const topic = room.currentState.getStateEvents("m.room.topic", "")?.getContent<{ topic?: string }>().topic;
  return (
    <header class="room-header">
      <a class="icon-button back" href="#/" aria-label={t("back")}>
        <Icon name="back" />
      </a>
      <Avatar name={shortName(room.name)} id={room.roomId} mxc={avatarOf(room, isDirect)} size={36} />
      <div class="title">
        <h1 dir="auto">
          {shortName(room.name)}
          {room.hasEncryptionStateEvent() && (
            <span class="badge" title={t("encrypted")}>
              <Icon name="lock" />
              <span class="hidden">{t("encrypted")}</span>
            </span>
          )}
        </h1>
        <p dir="auto">{topic ?? many(room.getJoinedMemberCount(), "membersOne", "membersMany")}</p>
      </div>
      <IconButton icon="search" label={t("searchHere")} onClick={() => go("room", room.roomId, "search")} />
      <IconButton
        icon="members"
        label={t("membersOfRoom")}
        onClick={() => go("room", room.roomId, "members")}
      />
      <IconButton icon="info" label={t("roomSettings")} onClick={() => go("room", room.roomId, "settings")} />
    </header>
  );
}

function Invitation({ room }: { readonly room: Room }) {
  const { client } = useChat();
  const inviter = room.getMember(client.getSafeUserId())?.events.member?.getSender() ?? "";
  const accept = async () => {
    const isDirect = room.getDMInviter() !== undefined;
    await client.joinRoom(room.roomId);
    if (isDirect) await addDirect(client, inviter, room.roomId);
  };
  return (
    <main class="view notice">
      <Avatar
        name={shortName(room.name)}
        id={room.roomId}
        mxc={room.getMxcAvatarUrl() ?? undefined}
        size={72}
      />
      <h1 dir="auto">{shortName(room.name)}</h1>
      <p dir="auto">{t("invitedBy", { name: `${nameOf(inviter, room)} (${inviter})` })}</p>
      <p class="buttons">
        <button class="primary" onClick={() => attempt(accept())}>
          {t("accept")}
        </button>
        <button onClick={() => attempt(client.leave(room.roomId).then(() => (location.hash = addressOf())))}>
          {t("decline")}
        </button>
      </p>
    </main>
  );
}

/** The room that took this one's place. */
function Successor({ room }: { readonly room: Room }) {
  const { client, changes } = useChat();
  void changes.value;
  const content = room.currentState
    .getStateEvents("m.room.tombstone", "")
    ?.getContent<{ replacement_room?: unknown }>();
  const next = content?.replacement_room;
  if (typeof next !== "string") return null;
  return (
    <div class="bar">
      <span>{t("stateUpgraded")}</span>
      <button onClick={() => attempt(client.joinRoom(next).then(() => go("room", next)))}>
        {t("goToNewRoom")}
      </button>
    </div>
  );
}
