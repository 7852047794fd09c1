import type { Room } from "matrix-js-sdk";
import type { ComponentChildren } from "preact";
import { go } from "../route.js";
import { IconButton } from "../ui/icons.jsx";
import { isNarrow } from "../ui/narrow.js";
import { t } from "../words/words.js";

export interface PanelProps {
  readonly room: Room;
  readonly title: string;
  readonly children: ComponentChildren;
}

/** The frame of what stands beside a conversation: on a phone it stands in its place. */
export function Panel({ room, title, children }: PanelProps) {
  const [Frame, Heading] = isNarrow.value ? (["main", "h1"] as const) : (["aside", "h2"] as const);
  return (
    <Frame class="panel" aria-label={title}>
      <header class="room-header">
        <div class="title">
          <Heading dir="auto">{title}</Heading>
        </div>
        <IconButton icon="close" label={t("close")} onClick={() => go("room", room.roomId)} />
      </header>
      {children}
    </Frame>
  );
}
