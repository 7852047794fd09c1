import { useEffect } from "preact/hooks";
import { guestRoom } from "../guest.js";
import { route, type Route } from "../route.js";
import { Questions } from "../ui/dialog.jsx";
import { Toasts } from "../ui/toasts.jsx";
import { usePageLook } from "../ui/theme.js";
import { t } from "../words/words.js";
import type { Chat } from "./chat.js";
import { ChatProvider, useChat } from "./context.js";
import { pageFor } from "./pages.jsx";
import { RoomList } from "./room-list.jsx";
import { RoomView } from "./room-view.jsx";
import { TrustBar } from "./trust-bar.jsx";
import { Verification } from "./verification.jsx";

/** The whole chat: the list of rooms, and beside it, on a phone instead of it, what was chosen. */
export function App({ chat }: { readonly chat: Chat }) {
  usePageLook();
  const title = titleOf(chat);
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <ChatProvider value={chat}>
      <div class={`app ${isAtList() ? "at-list" : "at-view"} ${guestRoom() === undefined ? "" : "is-guest"}`}>
        <div class="bars">
          <ConnectionBar />
          {guestRoom() === undefined && <TrustBar />}
        </div>
        {guestRoom() === undefined && <RoomList />}
        <View />
      </div>
      <Verification />
      <Questions />
      <Toasts />
    </ChatProvider>
  );
}

/** A guest's one room is always open. */
const isAtList = (): boolean =>
  ["home", "join", "guest"].includes(route.value.name) && guestRoom() === undefined;

function titleOf(chat: Chat): string {
  const unread = chat.rooms.value.reduce((sum, { unread }) => sum + unread, 0);
  const { value } = route;
  const room = value.name === "room" ? chat.rooms.value.find(({ id }) => id === value.room) : undefined;
  return `${unread > 0 ? `(${unread}) ` : ""}${room?.name ?? location.hostname}`;
}

function ConnectionBar() {
  const { connection, isReady } = useChat();
  const text = connection.value === "offline" ? t("offline") : isReady.value ? "" : t("connecting");
  return (
    <div class={`connection ${text === "" ? "is-well" : ""}`} role="status">
      {text}
    </div>
  );
}

function View() {
  const chat = useChat();
  const only = guestRoom();
  const value: Route = only === undefined ? route.value : { name: "room", room: only };
  switch (value.name) {
    case "room":
      return <RoomView key={value.room} roomId={value.room} panel={value.panel} item={value.item} />;
    case "page":
      return pageFor(value.page);
    default:
      return (
        <main class="view empty">
          <h1>{chat.rooms.value.length === 0 ? t("noRooms") : t("chooseRoom")}</h1>
        </main>
      );
  }
}
