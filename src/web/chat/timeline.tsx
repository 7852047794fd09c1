/**
 * The conversation: a list of rows that grows at both of its ends while somebody scrolls, and stays where they look.
 */
import type { Room, Thread } from "matrix-js-sdk";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { Icon } from "../ui/icons.jsx";
import { attempt } from "../ui/toasts.jsx";
import { listed, t } from "../words/words.js";
import type { Chat } from "./chat.js";
import { useChat } from "./context.js";
import { shortName } from "./describe.js";
import type { Draft } from "./draft.js";
import { TimelineModel } from "./timeline-model.js";
import { Rows } from "./timeline-rows.jsx";

export interface TimelineProps {
  readonly room: Room;
  readonly thread?: Thread;
  readonly draft: Draft;
  /** The event to begin at; the newest else. */
  readonly at?: string | undefined;
}

/** Screens that are to be there beyond what is seen, before more is asked for. */
const AHEAD = 1.5;
/** Nearer to the end than this counts as at the end, in CSS pixels. */
const NEAR = 48;

export function Timeline({ room, thread, draft, at }: TimelineProps) {
  const chat = useChat();
  const scroller = useRef<HTMLDivElement>(null);
  const isStuck = useRef(at === undefined);
  const model = useMemo(() => new TimelineModel(chat.client, room, thread), [chat, room, thread]);
  void chat.changes.value;
  const blocks = model.blocks.value;

  useEffect(() => () => model.close(), [model]);
  useEffect(() => {
    isStuck.current = at === undefined;
    attempt(
      model.open(at).then(() => {
        if (at === undefined) return;
        const row = scroller.current?.querySelector(`[data-event="${CSS.escape(at)}"]`);
        row?.scrollIntoView({ block: "center" });
        row?.classList.add("is-sought");
      }),
    );
  }, [model, at]);
  useEffect(() => {
    // Somebody comes back and reads what is there, or has seen enough.
    const look = () => {
      if (document.hidden) chat.readMarks.tell();
      else if (isStuck.current) markRead(chat, model);
    };
    document.addEventListener("visibilitychange", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      chat.readMarks.tell();
    };
  }, [chat, model]);
  useEffect(() => {
    // What one says oneself one wants to see.
    if (draft.sent.value === 0) return;
    isStuck.current = true;
    if (!model.isAtEnd.value) attempt(model.open());
    else if (scroller.current !== null) scroller.current.scrollTop = scroller.current.scrollHeight;
  }, [draft.sent.value]);

  useLayoutEffect(() => {
    if (scroller.current !== null) extend(scroller.current, model);
    if (isStuck.current) markRead(chat, model);
  }, [blocks]);

  useGrowth(scroller, () => {
    if (isStuck.current && scroller.current !== null)
      scroller.current.scrollTop = scroller.current.scrollHeight;
  });

  const onScroll = () => {
    const { current } = scroller;
    if (current === null) return;
    isStuck.current =
      model.isAtEnd.value && current.scrollHeight - current.scrollTop - current.clientHeight < NEAR;
    extend(current, model);
    if (isStuck.current) markRead(chat, model);
  };

  const toNewest = () => {
    isStuck.current = true;
    attempt(model.open());
  };

  return (
    <div class="timeline-frame">
      <div
        class="timeline"
        ref={scroller}
        onScroll={onScroll}
        tabIndex={0}
        role="log"
        aria-label={shortName(room.name)}
      >
        <div class="rows">
          {model.isAtStart.value && thread === undefined && <p class="beginning">{t("beginning")}</p>}
          <Rows
            {...{ blocks, room, draft, scroller }}
            isInThread={thread !== undefined}
            isAtEnd={() => isStuck.current && model.isAtEnd.value}
          />
        </div>
      </div>
      {!model.isAtEnd.value && (
        <button class="to-newest" onClick={toNewest} aria-label={t("toNewest")} title={t("toNewest")}>
          <Icon name="down" />
        </button>
      )}
      <Typing room={room} />
    </div>
  );
}

function Typing({ room }: { readonly room: Room }) {
  void useChat().changes.value;
  const names = room
    .getJoinedMembers()
    .filter(({ typing, userId }) => typing && userId !== room.myUserId)
    .map(({ name }) => shortName(name));
  const list = listed(names);
  return (
    <p class="typing" aria-live="polite" dir="auto">
      {names.length === 0
        ? ""
        : names.length === 1
          ? t("typingOne", { name: list })
          : t("typingMany", { names: list })}
    </p>
  );
}

/** Asks for more where what is there will soon be scrolled through. */
function extend(scroller: HTMLElement, model: TimelineModel): void {
  if (model.isLoading.value || !model.isOpen) return;
  const ahead = scroller.clientHeight * AHEAD;
  if (!model.isAtStart.value && scroller.scrollTop < ahead) behind(model.older());
  else if (!model.isAtEnd.value && scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < ahead)
    behind(model.newer());
}

/** Nobody asked for it by name: the next scrolling, or the next message, tries again. */
function behind(work: Promise<unknown>): void {
  work.catch((error: unknown) => console.info("not now", error));
}

/** Pictures that have come, a keyboard that opens: the end stays in sight. */
function useGrowth(scroller: { readonly current: HTMLElement | null }, onGrowth: () => void): void {
  useEffect(() => {
    const { current } = scroller;
    const rows = current?.firstElementChild;
    if (current === null || rows === null || rows === undefined) return undefined;
    const observer = new ResizeObserver(onGrowth);
    observer.observe(current);
    observer.observe(rows);
    return () => observer.disconnect();
  }, []);
}

/** Nobody has read a page that is not seen. */
function markRead(chat: Chat, model: TimelineModel): void {
  const { last } = model;
  if (document.hidden || last === undefined || last.isSending()) return;
  if (last.getSender() === chat.userId && model.room.getUnreadNotificationCount() === 0) return;
  chat.readMarks.set(last);
}
