import type { Room } from "matrix-js-sdk";
import type { JSX } from "preact";
import { MembersPanel } from "./members-panel.jsx";
import { RoomSettings } from "./room-settings.jsx";
import { RoomSearch } from "./search.jsx";
import { ThreadPanel } from "./thread-panel.jsx";

/** What stands beside a conversation, by its address; null for what needs no place of its own. */
export function panelFor(name: string, room: Room, item: string | undefined): JSX.Element | null {
  switch (name) {
    case "thread":
      return item === undefined ? null : <ThreadPanel key={item} room={room} threadId={item} />;
    case "members":
      return <MembersPanel room={room} />;
    case "settings":
      return <RoomSettings room={room} />;
    case "search":
      return <RoomSearch room={room} />;
    default:
      return null;
  }
}
