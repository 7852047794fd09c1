import type { Room } from "matrix-js-sdk";
import type { JSX } from "preact";

/** What stands beside a conversation, by its address. */
export function panelFor(_name: string, _room: Room, _item: string | undefined): JSX.Element | null {
  return null;
}
