import { route } from "../route.js";
import { Questions } from "../ui/dialog.jsx";
import { Toasts } from "../ui/toasts.jsx";
import { useTheme } from "../ui/theme.js";
import { language, t } from "../words/words.js";
import type { Chat } from "./chat.js";
import { ChatProvider, useChat } from "./context.js";
import { pageFor } from "./pages.jsx";
import { RoomList } from "./room-list.jsx";
import { RoomView } from "./room-view.jsx";
import { TrustBar } from "./trust-bar.jsx";
import { Verification } from "./verification.jsx";

/** The whole chat: the list of rooms, and beside it, on a phone instead of it, what was chosen. */
export function App({ chat }: { readonly chat: Chat }) {
  useTheme();
  document.documentElement.lang = language.value;
  document.title = titleOf(chat);
  return (
    <ChatProvider value={chat}>
      <div class={`app ${route.value.name === "home" ? "at-list" : "at-view"}`}>
        <div class="bars">
          <ConnectionBar />
          <TrustBar />
        </div>
        <RoomList />
        <View />
      </div>
      <Verification />
      <Questions />
      <Toasts />
    </ChatProvider>
  );
}

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
  const { value } = route;
  switch (value.name) {
    case "room":
      return <RoomView key={value.room} roomId={value.room} panel={value.panel} item={value.item} />;
    case "page":
      return pageFor(value.page);
    default:
      return (
        <main class="view empty">
          <p>{chat.rooms.value.length === 0 ? t("noRooms") : t("chooseRoom")}</p>
        </main>
      );
  }
}
