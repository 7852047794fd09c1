/**
 * The conversation: a list of rows that grows at both of its ends while somebody scrolls, and stays where they look.
 */
import { ReceiptType, type MatrixEvent, type Room, type Thread } from "matrix-js-sdk";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { Icon } from "../ui/icons.jsx";
import { attempt } from "../ui/toasts.jsx";
import { day } from "../ui/when.js";
import { t } from "../words/words.js";
import type { Chat } from "./chat.js";
import { useChat } from "./context.js";
import { describeState, nameOf, shortName } from "./describe.js";
import type { Draft } from "./draft.js";
import { Message } from "./message.jsx";
import { TimelineModel, type Row } from "./timeline-model.js";
import { memo } from "preact/compat";

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
  const rows = model.rows.value;
  const anchor = isStuck.current ? undefined : anchorIn(scroller.current);

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
    return () => model.close();
  }, [model, at]);

  useLayoutEffect(() => {
    const { current } = scroller;
    if (current === null) return;
    if (isStuck.current && model.isAtEnd.value) current.scrollTop = current.scrollHeight;
    else if (anchor !== undefined) restore(current, anchor);
    extend(current, model);
    if (isStuck.current) markRead(chat, model);
  }, [rows]);

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
          {rows.map((row) => (
            <TimelineRow
              key={row.id}
              row={row}
              room={room}
              draft={draft}
              isInThread={thread !== undefined}
              readers={readersOf(row.event, room)}
            />
          ))}
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

interface RowProps {
  readonly row: Row;
  readonly room: Room;
  readonly draft: Draft;
  readonly isInThread: boolean;
  /** User ids with spaces between them. */
  readonly readers: string;
}

const TimelineRow = memo(
  ({ row, room, draft, isInThread, readers }: RowProps) => (
    <div class="row" data-event={row.event.getId()}>
      {row.isNewDay && (
        <h2 class="day">
          <span>{day(row.event.getTs())}</span>
        </h2>
      )}
      {row.isFirstNew && (
        <p class="first-new">
          <span>{t("newMessages")}</span>
        </p>
      )}
      {row.kind === "state" ? (
        <p class="state" dir="auto">
          {describeState(row.event, room)}
        </p>
      ) : (
        <Message
          event={row.event}
          room={room}
          draft={draft}
          isContinued={row.isContinued}
          isInThread={isInThread}
          version={row.version}
        />
      )}
      {readers !== "" && <Readers room={room} readers={readers.split(" ")} />}
    </div>
  ),
  (before, after) =>
    before.row.event === after.row.event &&
    before.row.version === after.row.version &&
    before.row.isNewDay === after.row.isNewDay &&
    before.row.isContinued === after.row.isContinued &&
    before.row.isFirstNew === after.row.isFirstNew &&
    before.readers === after.readers,
);

/** Names beyond this are a number. */
const MOST_READERS = 4;

function Readers({ room, readers }: { readonly room: Room; readonly readers: readonly string[] }) {
  const names = readers.map((userId) => nameOf(userId, room));
  const list = new Intl.ListFormat(document.documentElement.lang).format(names);
  return (
    <p class="readers" title={t("seenBy", { names: list })}>
      <Icon name="check" />
      <span class="hidden">{t("seenBy", { names: list })}</span>
      <span aria-hidden="true">
        {names.slice(0, MOST_READERS).join(", ")}
        {names.length > MOST_READERS && ` +${names.length - MOST_READERS}`}
      </span>
    </p>
  );
}

/** Those who have read up to here, and no further. */
function readersOf(event: MatrixEvent, room: Room): string {
  return room
    .getReceiptsForEvent(event)
    .filter(({ type, userId }) => type === ReceiptType.Read && userId !== room.myUserId)
    .map(({ userId }) => userId)
    .sort()
    .join(" ");
}

function Typing({ room }: { readonly room: Room }) {
  void useChat().changes.value;
  const names = room
    .getJoinedMembers()
    .filter(({ typing, userId }) => typing && userId !== room.myUserId)
    .map(({ name }) => shortName(name));
  const list = new Intl.ListFormat(document.documentElement.lang).format(names);
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

interface Anchor {
  readonly row: HTMLElement;
  /** From the top of what is seen, in CSS pixels. */
  readonly top: number;
}

/** The first row that is seen: it is to stay where it is, whatever comes above it. */
function anchorIn(scroller: HTMLElement | null): Anchor | undefined {
  const rows = scroller?.querySelectorAll<HTMLElement>(":scope > .rows > .row");
  if (scroller === null || rows === undefined) return undefined;
  const { scrollTop } = scroller;
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle];
    if (row === undefined || row.offsetTop + row.offsetHeight > scrollTop) high = middle;
    else low = middle + 1;
  }
  const row = rows[low];
  return row === undefined ? undefined : { row, top: row.offsetTop - scrollTop };
}

function restore(scroller: HTMLElement, { row, top }: Anchor): void {
  if (!row.isConnected) return;
  const wanted = row.offsetTop - top;
  if (Math.abs(scroller.scrollTop - wanted) > 1) scroller.scrollTop = wanted;
}

/** Asks for more where what is there will soon be scrolled through. */
function extend(scroller: HTMLElement, model: TimelineModel): void {
  if (model.isLoading.value || model.rows.value.length === 0) return;
  const ahead = scroller.clientHeight * AHEAD;
  if (!model.isAtStart.value && scroller.scrollTop < ahead) attempt(model.older());
  else if (!model.isAtEnd.value && scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < ahead)
    attempt(model.newer());
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

/** Tells the server, and by it the others, what was read. Nobody has read a page that is not seen. */
function markRead(chat: Chat, model: TimelineModel): void {
  const { last } = model;
  if (document.hidden || last === undefined || last === chat.lastRead) return;
  if (last.isSending() || (last.getSender() === chat.userId && model.room.getUnreadNotificationCount() === 0))
    return;
  chat.lastRead = last;
  attempt(chat.client.sendReadReceipt(last));
}
