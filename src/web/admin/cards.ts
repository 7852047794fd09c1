/**
 * What the sheets that are to be printed hold: of this tab alone, and gone with it.
 */
import { signal } from "@preact/signals";
import { to } from "./place.js";

export type Card =
  | { readonly kind: "account"; readonly name: string; readonly userId: string; readonly password: string }
  | { readonly kind: "invitation"; readonly link: string };

export const cards = signal<readonly Card[]>([]);

/** Shows them, ready to be printed. */
export function showCards(list: readonly Card[]): void {
  cards.value = list;
  location.hash = to("sheets");
}
