import { useSignal } from "@preact/signals";
import { memo } from "preact/compat";
import { addressOf, go, route } from "../route.js";
import { Avatar } from "../ui/avatar.jsx";
import { Icon, IconButton } from "../ui/icons.jsx";
import { briefly, exactly } from "../ui/when.js";
import { many, t } from "../words/words.js";
import { useChat } from "./context.js";
import { GROUPS, type RoomEntry } from "./room-entries.js";

export function RoomList() {
  const chat = useChat();
  const wanted = useSignal("");
  const needle = wanted.value.trim().toLocaleLowerCase();
  const rooms = chat.rooms.value.filter(({ name }) => name.toLocaleLowerCase().includes(needle));
  const current = route.value.name === "room" ? route.value.room : undefined;
  return (
    <nav class="rooms" aria-label={t("rooms")}>
      <header>
        <IconButton icon="settings" label={t("settings")} onClick={() => go("settings")} />
        <input
          type="search"
          aria-label={t("filterRooms")}
          placeholder={t("filterRooms")}
          value={wanted.value}
          onInput={(event) => (wanted.value = event.currentTarget.value)}
        />
        <IconButton icon="search" label={t("searchMessages")} onClick={() => go("search")} />
        <IconButton icon="add" label={t("newChat")} class="primary" onClick={() => go("new")} />
      </header>
      <div class="scroll">
        {GROUPS.map((group) => {
          const entries = rooms.filter((entry) => entry.group === group);
          if (entries.length === 0) return null;
          return (
            <section key={group} aria-labelledby={`group-${group}`}>
              <h2 id={`group-${group}`}>{t(group)}</h2>
              <ul>
                {entries.map((entry) => (
                  <RoomLine key={entry.id} entry={entry} isCurrent={entry.id === current} />
                ))}
              </ul>
            </section>
          );
        })}
        {chat.isReady.value && chat.rooms.value.length === 0 && <p class="quiet">{t("noRooms")}</p>}
      </div>
    </nav>
  );
}

interface RoomLineProps {
  readonly entry: RoomEntry;
  readonly isCurrent: boolean;
}

const RoomLine = memo(
  ({ entry, isCurrent }: RoomLineProps) => (
    <li>
      <a
        href={addressOf("room", entry.id)}
        class={`room-line ${entry.unread > 0 ? "is-unread" : ""}`}
        aria-current={isCurrent ? "page" : undefined}
      >
        <Avatar name={entry.name} id={entry.id} mxc={entry.avatar} size={44} />
        <span class="name" dir="auto">
          {entry.name}
        </span>
        <time dateTime={new Date(entry.at).toISOString()} title={exactly(entry.at)}>
          {entry.at > 0 && briefly(entry.at)}
        </time>
        <span class="preview" dir="auto">
          {entry.preview}
        </span>
        <Counts entry={entry} />
      </a>
    </li>
  ),
  (before, after) =>
    before.isCurrent === after.isCurrent && JSON.stringify(before.entry) === JSON.stringify(after.entry),
);

function Counts({ entry }: { readonly entry: RoomEntry }) {
  const label = [
    ...(entry.mentions > 0 ? [many(entry.mentions, "mentionsOne", "mentionsMany")] : []),
    ...(entry.unread > 0 ? [many(entry.unread, "unreadOne", "unreadMany")] : []),
    ...(entry.group === "invitations" ? [t("invitations")] : []),
  ].join(", ");
  return (
    <span class="counts">
      {entry.isMuted && (
        <span title={t("muted")}>
          <Icon name="muted" />
          <span class="hidden">{t("muted")}</span>
        </span>
      )}
      {label !== "" && (
        <span class={`count ${entry.mentions > 0 ? "is-loud" : ""}`}>
          <span aria-hidden="true">
            {entry.group === "invitations" ? "!" : entry.mentions > 0 ? `@${entry.unread}` : entry.unread}
          </span>
          <span class="hidden">{label}</span>
        </span>
      )}
    </span>
  );
}
