import type { Room } from "matrix-js-sdk";
import type { ComponentChildren } from "preact";
import { go } from "../route.js";
import { IconButton } from "../ui/icons.jsx";
import { t } from "../words/words.js";

export interface PanelProps {
  readonly room: Room;
  readonly title: string;
  readonly children: ComponentChildren;
}

/** The frame of what stands beside a conversation: on a phone it stands in its place. */
export function Panel({ room, title, children }: PanelProps) {
  return (
    <aside class="panel" aria-label={title}>
      <header class="room-header">
        <div class="title">
          <h2 dir="auto">{title}</h2>
        </div>
        <IconButton icon="close" label={t("close")} onClick={() => go("room", room.roomId)} />
      </header>
      {children}
    </aside>
  );
}
