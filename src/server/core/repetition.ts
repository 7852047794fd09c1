/**
 * State that is set again as it is.
 */
import { canonicalJson } from "./canonical-json.js";
import type { EventDraft } from "./event.js";
import { PowerLevels } from "./power-levels.js";
import type { RoomState } from "./room-state.js";

/**
 * @returns the id of the event by which the same sender has said the same already, if the sender may say it still: the
 *   room need not hear it twice
 */
export function repetitionOf(
  state: RoomState,
  { type, stateKey = "", sender, content }: EventDraft,
): string | undefined {
  const known = state.get(type, stateKey);
  if (known?.sender !== sender || state.membership(sender) !== "join") return undefined;
  if (!new PowerLevels(state).canSend(sender, type, true)) return undefined;
  return canonicalJson(known.content) === canonicalJson(content) ? known.eventId : undefined;
}
