/**
 * Where on the page somebody is: `#/users/@ada:server` is `["users", "@ada:server"]`.
 */
import { signal } from "@preact/signals";
import { addressOf } from "../route.js";

function partsOf(hash: string): readonly string[] {
  const parts = hash
    .replace(/^#\/?/, "")
    .split("/")
    .filter((part) => part !== "");
  try {
    return parts.map(decodeURIComponent);
  } catch {
    return parts;
  }
}

export const place = signal(partsOf(location.hash));
addEventListener("hashchange", () => (place.value = partsOf(location.hash)));

/** @returns the address within the page, for links */
export const to = addressOf;
