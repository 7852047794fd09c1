/**
 * One message: who, when, what, what others think of it, and what can be done with it.
 */
import { useSignal } from "@preact/signals";
import { EventStatus, type MatrixEvent, type Room } from "matrix-js-sdk";
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
import { describeMessage, nameOf, withoutQuotation } from "./describe.js";
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
  const sender = event.getSender() ?? "";
  const name = nameOf(sender, room);
  const isMine = sender === room.myUserId;
  const style = ["message", isMine ? "is-mine" : "", isContinued ? "is-continued" : "", statusClass(event)];
  return (
    <article class={style.join(" ")} aria-label={`${name}, ${exactly(event.getTs())}`}>
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
        <Actions {...{ event, room, version, draft, isInThread }} />
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
  return (
    <a class="thread-link" href={addressOf("room", room.roomId, "thread", thread.id)}>
      {many(thread.length, "threadReplyOne", "threadReplyMany")}
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

function Actions({ event, room, draft, isInThread }: Omit<MessageProps, "isContinued">) {
  const chat = useChat();
  const { client } = chat;
  const isChoosing = useSignal(false);
  const isMine = event.getSender() === chat.userId;
  const canWrite = room.maySendMessage();
  const canDelete = isMine || room.currentState.maySendRedactionForEvent(event, chat.userId);
  const body = event.getContent<{ body?: string }>().body ?? "";
  const items: MenuItem[] = [
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
            onChoose: () => draft.edit(event, withoutQuotation(body)),
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
  const choose = (emoji: string) => attempt(react(client, room, event, emoji));
  return (
    <div class="actions">
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
      {canWrite && <IconButton icon="react" label={t("react")} onClick={() => (isChoosing.value = true)} />}
      {canWrite && <IconButton icon="reply" label={t("reply")} onClick={() => draft.answer(event)} />}
      <Menu icon="more" label={t("messageActions")} items={items} />
      {isChoosing.value && <EmojiDialog onChoose={choose} onClose={() => (isChoosing.value = false)} />}
    </div>
  );
}
