/**
 * Searching messages: the server's index for what it can read; what is encrypted it cannot, and the page says so.
 */
import { useSignal } from "@preact/signals";
import { SearchOrderBy, type MatrixEvent, type Room } from "matrix-js-sdk";
import { addressOf } from "../route.js";
import { attempt } from "../ui/toasts.jsx";
import { briefly } from "../ui/when.js";
import { t } from "../words/words.js";
import { useChat } from "./context.js";
import { describeMessage, nameOf, shortName } from "./describe.js";
import { Panel } from "./panel.jsx";
import { Header } from "./view-header.jsx";
import { field } from "../ui/field.js";

/** In all rooms. */
export function SearchPage() {
  return (
    <main class="view page">
      <Header title={t("searchMessages")} />
      <div class="scroll">
        <Search />
      </div>
    </main>
  );
}

/** In one room. */
export function RoomSearch({ room }: { readonly room: Room }) {
  return (
    <Panel room={room} title={t("searchHere")}>
      <div class="scroll">
        <Search room={room} />
      </div>
    </Panel>
  );
}

interface Found {
  readonly events: readonly MatrixEvent[];
  readonly count: number;
  readonly next: (() => Promise<Found>) | undefined;
}

function Search({ room }: { readonly room?: Room }) {
  const { client } = useChat();
  const found = useSignal<Found | undefined>(undefined);
  const search = async (term: string, from?: string): Promise<Found> => {
    const { search_categories } = await client.search({
      ...(from !== undefined && { next_batch: from }),
      body: {
        search_categories: {
          room_events: {
            search_term: term,
            order_by: SearchOrderBy.Recent,
            ...(room !== undefined && { filter: { rooms: [room.roomId] } }),
          },
        },
      },
    });
    const { results = [], count = 0, next_batch } = search_categories.room_events;
    const mapper = client.getEventMapper({ preventReEmit: true });
    return {
      events: results.map(({ result }) => mapper(result)),
      count,
      next: next_batch === undefined ? undefined : () => search(term, next_batch),
    };
  };
  const more = async () => {
    const { value: before } = found;
    const next = await before?.next?.();
    if (before !== undefined && next !== undefined)
      found.value = { ...next, events: [...before.events, ...next.events] };
  };
  return (
    <section>
      <form
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          const term = field(event.currentTarget, "term").trim();
          if (term !== "") attempt(search(term).then((it) => (found.value = it)));
        }}
      >
        <label>
          {t("searchFor")}
          <input type="search" name="term" dir="auto" required />
        </label>
        <button class="primary">{t("search")}</button>
      </form>
      {(room === undefined || room.hasEncryptionStateEvent()) && (
        <p class="quiet">{t("searchNotEncrypted")}</p>
      )}
      <div aria-live="polite">
        {found.value !== undefined && found.value.count === 0 && <p>{t("nothingFound")}</p>}
        <ul class="found">
          {found.value?.events.map((event) => (
            <Hit key={event.getId()} event={event} isElsewhere={room === undefined} />
          ))}
        </ul>
      </div>
      {found.value?.next !== undefined && <button onClick={() => attempt(more())}>{t("more")}</button>}
    </section>
  );
}

function Hit({ event, isElsewhere }: { readonly event: MatrixEvent; readonly isElsewhere: boolean }) {
  const chat = useChat();
  const room = chat.room(event.getRoomId() ?? "");
  if (room === undefined) return null;
  return (
    <li>
      <a href={addressOf("room", room.roomId, "at", event.getId() ?? "")}>
        <strong dir="auto">{nameOf(event.getSender() ?? "", room)}</strong>
        <time>{briefly(event.getTs())}</time>
        {isElsewhere && <small dir="auto">{shortName(room.name)}</small>}
        <span dir="auto">{describeMessage(event)}</span>
      </a>
    </li>
  );
}
