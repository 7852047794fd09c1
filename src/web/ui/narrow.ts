import { signal } from "@preact/signals";

/** As style.css has it: below, what stands beside a conversation stands in its place. */
const query = matchMedia("(max-width: 1099px)");

/** Whether the screen has no room for a panel beside a conversation. */
export const isNarrow = signal(query.matches);
query.addEventListener("change", ({ matches }) => (isNarrow.value = matches));
