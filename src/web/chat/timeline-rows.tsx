/**
 * The rows of a conversation, in blocks: what comes at an end is drawn and laid out by itself, and what somebody looks
 * at stays where it is.
 */
import type { Room } from "matrix-js-sdk";
import { render, type ComponentChildren } from "preact";
import { memo } from "preact/compat";
import { useErrorBoundary, useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "../ui/icons.jsx";
import { day } from "../ui/when.js";
import { listed, t } from "../words/words.js";
import type { Block, Row } from "./blocks.js";
import { ChatProvider, useChat } from "./context.js";
import { describeState, nameOf } from "./describe.js";
import type { Draft } from "./draft.js";
import { Message } from "./message.jsx";

interface Around {
  readonly room: Room;
  readonly draft: Draft;
  readonly isInThread: boolean;
}

export interface RowsProps extends Around {
  readonly blocks: readonly Block[];
  readonly scroller: { readonly current: HTMLElement | null };
  /** Whether the end is to stay in sight; else what is seen is. */
  readonly isAtEnd: () => boolean;
}

/**
 * Each block is a tree of its own. In one tree Preact keeps, from each list of memoized components to the next, what
 * the list was, with everything that has been scrolled out of sight since.
 */
export function Rows({ blocks, scroller, isAtEnd, ...around }: RowsProps) {
  const chat = useChat();
  const list = useRef<HTMLDivElement>(null);
  const drawn = useRef(new Map<number, Drawn>()).current;
  useLayoutEffect(() => {
    const { current } = scroller;
    if (current === null || list.current === null) return;
    const anchor = anchorIn(current);
    draw(list.current, blocks, drawn, ({ rows }) => (
      <ChatProvider value={chat}>
        {rows.map((row) => (
          <TimelineRow key={row.id} row={row} {...around} />
        ))}
      </ChatProvider>
    ));
    if (isAtEnd()) current.scrollTop = current.scrollHeight;
    else if (anchor !== undefined) restore(current, anchor);
  }, [blocks]);
  useLayoutEffect(() => () => drawn.forEach(({ element }) => render(null, element)), []);
  return <div ref={list} />;
}

interface Drawn {
  readonly block: Block;
  readonly element: HTMLElement;
}

/** Makes `list` hold these blocks: new ones and others are drawn, the same ones are left alone. */
function draw(
  list: HTMLElement,
  blocks: readonly Block[],
  drawn: Map<number, Drawn>,
  show: (block: Block) => ComponentChildren,
): void {
  const wanted = new Set(blocks.map(({ id }) => id));
  for (const [id, { element }] of drawn) {
    if (wanted.has(id)) continue;
    render(null, element);
    element.remove();
    drawn.delete(id);
  }
  let next: HTMLElement | null = null;
  for (const block of [...blocks].reverse()) {
    const was = drawn.get(block.id);
    const element: HTMLElement = was?.element ?? document.createElement("div");
    if (was === undefined) element.className = "block";
    if (was?.block !== block) render(show(block), element);
    if (was === undefined) list.insertBefore(element, next);
    drawn.set(block.id, { block, element });
    next = element;
  }
}

const TimelineRow = memo(({ row, room, draft, isInThread }: Around & { readonly row: Row }) => (
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
      <Guarded>
        <Message
          event={row.event}
          room={room}
          draft={draft}
          isContinued={row.isContinued}
          isInThread={isInThread}
          version={row.version}
        />
      </Guarded>
    )}
    {row.readers !== "" && <Readers room={room} readers={row.readers.split(" ")} />}
  </div>
));

/** Others may send what nobody thought of: it is not to take the conversation with it. */
function Guarded({ children }: { readonly children: ComponentChildren }) {
  const boundary = useErrorBoundary((reason: unknown) => console.warn("a message cannot be shown", reason));
  const error: unknown = boundary[0];
  return error === undefined ? <>{children}</> : <p class="gone">{t("unknownMessage")}</p>;
}

/** Names beyond this are a number. */
const MOST_READERS = 4;

function Readers({ room, readers }: { readonly room: Room; readonly readers: readonly string[] }) {
  const names = readers.map((userId) => nameOf(userId, room));
  const list = listed(names);
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

interface Anchor {
  readonly row: HTMLElement;
  /** From the top of what is seen, in CSS pixels. */
  readonly top: number;
}

/** The first row that is seen: it is to stay where it is, whatever comes above it. */
function anchorIn(scroller: HTMLElement): Anchor | undefined {
  const { scrollTop } = scroller;
  const isSeen = (element: HTMLElement) => topOf(element) + element.offsetHeight > scrollTop;
  const block = [...scroller.querySelectorAll<HTMLElement>(".block")].find(isSeen);
  const row = [...(block?.children ?? [])].filter((it) => it instanceof HTMLElement).find(isSeen);
  return row === undefined ? undefined : { row, top: topOf(row) - scrollTop };
}

/** Of a block or a row, within all rows. */
function topOf(element: HTMLElement): number {
  const block = element.closest<HTMLElement>(".block");
  return block === null || block === element ? element.offsetTop : block.offsetTop + element.offsetTop;
}

function restore(scroller: HTMLElement, { row, top }: Anchor): void {
  if (!row.isConnected) return;
  const wanted = topOf(row) - top;
  if (Math.abs(scroller.scrollTop - wanted) > 1) scroller.scrollTop = wanted;
}
