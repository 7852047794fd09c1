/**
 * One message: who, when, what, what others think of it, and what can be done with it.
 */
import { useSignal } from "@preact/signals";
import {
  EventStatus,
  NotificationCountType,
  type MatrixClient,
  type MatrixEvent,
  type Room,
  type Thread,
} from "matrix-js-sdk";
import { addressOf, go } from "../route.js";
import { Avatar } from "../ui/avatar.jsx";
import { confirm } from "../ui/dialog.jsx";
import { EmojiDialog, QUICK_REACTIONS } from "../ui/emoji.jsx";
import { IconButton } from "../ui/icons.jsx";
import { Menu, type MenuItem } from "../ui/menu.jsx";
import { copy } from "../ui/copy.js";
import { attempt } from "../ui/toasts.jsx";
import { clock, exactly } from "../ui/when.js";
import { many, t } from "../words/words.js";
import { useChat } from "./context.js";
import { describeMessage, nameOf, plainBody } from "./describe.js";
import { Doubt } from "./doubt.jsx";
import type { Draft } from "./draft.js";
import { Content } from "./message-content.jsx";
import { Reactions, react } from "./reactions.jsx";

export interface MessageProps {
  readonly event: MatrixEvent;
  readonly room: Room;
  readonly draft: Draft;
  /** The same person said something just before: the name need not be said again. */
  readonly isContinued: boolean;
  readonly isInThread: boolean;
  /** Events change in place: a part that is to be drawn anew takes the event's version. */
  readonly version: number;
}

export function Message({ event, room, draft, isContinued, isInThread, version }: MessageProps) {
  const isReached = useSignal(false);
  const reach = () => (isReached.value = true);
  const sender = event.getSender() ?? "";
  const name = nameOf(sender, room);
  const isMine = sender === room.myUserId;
  const style = ["message", isMine ? "is-mine" : "", isContinued ? "is-continued" : "", statusClass(event)];
  return (
    <article
      class={style.join(" ")}
      aria-label={`${name}, ${exactly(event.getTs())}`}
      onPointerEnter={reach}
      onPointerDown={reach}
      onFocusCapture={reach}
    >
      {!isContinued && (
        <header>
          <Avatar name={name} id={sender} mxc={room.getMember(sender)?.getMxcAvatarUrl()} size={36} />
          <span class="author" dir="auto" title={sender}>
            {name}
          </span>
        </header>
      )}
      <div class="bubble">
        {!event.isRedacted() && <Quotation {...{ event, room, version, isInThread }} />}
        <Content {...{ event, room, version }} />
        <span class="stamp">
          {room.hasEncryptionStateEvent() && <Doubt {...{ event, room, version }} />}
          {event.replacingEvent() !== null && !event.isRedacted() && <span>{t("edited")} </span>}
          <time dateTime={event.getDate()?.toISOString()} title={exactly(event.getTs())}>
            {clock(event.getTs())}
          </time>
        </span>
      </div>
      <Reactions {...{ event, room, version }} />
      {!isInThread && <ThreadLink {...{ event, room, version }} />}
      <Status {...{ event, room, version }} />
      {!event.isRedacted() && event.status === null && (
        <Actions {...{ event, room, version, draft, isInThread }} isReached={isReached.value} />
      )}
    </article>
  );
}

const statusClass = ({ status }: MatrixEvent): string =>
  status === EventStatus.NOT_SENT
    ? "is-unsent"
    : status === null || status === EventStatus.SENT
      ? ""
      : "is-sending";

/** What this one answers, in a line that leads there. */
function Quotation({ event, room, isInThread }: Omit<MessageProps, "isContinued" | "draft">) {
  const { replyEventId } = event;
  const isFallback =
    event.threadRootId !== undefined && event.getWireContent()["m.relates_to"]?.is_falling_back === true;
  if (replyEventId === undefined || (isInThread && isFallback)) return null;
  const target = room.findEventById(replyEventId);
  return (
    <a class="quotation" href={addressOf("room", room.roomId, "at", replyEventId)} dir="auto">
      {target === undefined
        ? t("reply")
        : `${nameOf(target.getSender() ?? "", room)}: ${describeMessage(target).split("\n", 1)[0] ?? ""}`}
    </a>
  );
}

function ThreadLink({ event, room }: Pick<MessageProps, "event" | "room" | "version">) {
  const thread = event.getThread();
  if (thread === undefined || !event.isThreadRoot || thread.length === 0) return null;
  return <ThreadCount room={room} thread={thread} />;
}

function ThreadCount({ room, thread }: { readonly room: Room; readonly thread: Thread }) {
  void useChat().changes.value;
  const unread = room.getThreadUnreadNotificationCount(thread.id, NotificationCountType.Total);
  return (
    <a class="thread-link" href={addressOf("room", room.roomId, "thread", thread.id)}>
      {many(thread.length, "threadReplyOne", "threadReplyMany")}
      {unread > 0 && <span class="count is-loud">{many(unread, "unreadOne", "unreadMany")}</span>}
    </a>
  );
}

function Status({ event, room }: Pick<MessageProps, "event" | "room" | "version">) {
  const { client } = useChat();
  if (event.status === EventStatus.NOT_SENT)
    return (
      <p class="status trouble">
        {t("notSent")}
        <button class="plain" onClick={() => attempt(client.resendEvent(event, room))}>
          {t("retry")}
        </button>
        <button class="plain" onClick={() => client.cancelPendingEvent(event)}>
          {t("delete")}
        </button>
      </p>
    );
  if (event.status === null || event.status === EventStatus.SENT) return null;
  return <p class="status">{t("sending")}</p>;
}

interface ActionsProps extends Omit<MessageProps, "isContinued"> {
  /** By a pointer or the focus: what only then can be used is only then there. */
  readonly isReached: boolean;
}

function Actions({ event, room, draft, isInThread, isReached }: ActionsProps) {
  const { client, userId } = useChat();
  const isChoosing = useSignal(false);
  const canWrite = isReached && room.maySendMessage();
  const choose = (emoji: string) => attempt(react(client, room, event, emoji));
  return (
    <div class={isReached ? "actions is-reached" : "actions"}>
      <Menu
        icon={isReached ? "more" : undefined}
        label={t("messageActions")}
        items={isReached ? actionsFor({ event, room, draft, isInThread }, client, userId) : []}
      />
      {canWrite && <IconButton icon="reply" label={t("reply")} onClick={() => draft.answer(event)} />}
      {canWrite && <IconButton icon="react" label={t("react")} onClick={() => (isChoosing.value = true)} />}
      {canWrite &&
        QUICK_REACTIONS.map((emoji) => (
          <button
            key={emoji}
            type="button"
            class="icon-button quick"
            aria-label={`${t("react")}: ${emoji}`}
            onClick={() => choose(emoji)}
          >
            {emoji}
          </button>
        ))}
      {isChoosing.value && <EmojiDialog onChoose={choose} onClose={() => (isChoosing.value = false)} />}
    </div>
  );
}

function actionsFor(
  { event, room, draft, isInThread }: Pick<MessageProps, "event" | "room" | "draft" | "isInThread">,
  client: MatrixClient,
  userId: string,
): MenuItem[] {
  const isMine = event.getSender() === userId;
  const canWrite = room.maySendMessage();
  const canDelete = isMine || room.currentState.maySendRedactionForEvent(event, userId);
  return [
    ...(canWrite && !isInThread
      ? [
          {
            label: t("replyInThread"),
            icon: "thread" as const,
            onChoose: () => go("room", room.roomId, "thread", event.threadRootId ?? event.getId() ?? ""),
          },
        ]
      : []),
    ...(isMine && canWrite && event.getContent()["msgtype"] === "m.text"
      ? [
          {
            label: t("edit"),
            icon: "edit" as const,
            onChoose: () => draft.edit(event, plainBody(event)),
          },
        ]
      : []),
    {
      label: t("copyText"),
      icon: "copy",
      onChoose: () => attempt(copy(describeMessage(event))),
    },
    ...(canDelete
      ? [
          {
            label: t("deleteMessage"),
            icon: "trash" as const,
            isDangerous: true,
            onChoose: () =>
              attempt(
                confirm(t("deleteMessage"), t("deleteMessageText"), t("delete")).then((isSure) =>
                  isSure ? client.redactEvent(room.roomId, event.getId() ?? "") : undefined,
                ),
              ),
          },
        ]
      : []),
  ];
}
