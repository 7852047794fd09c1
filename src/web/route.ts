/**
 * Where in the page somebody is: the part of the address after `#`, which no server sees.
 */
import { signal } from "@preact/signals";

export type Route =
  | { readonly name: "home" }
  | { readonly name: "join"; readonly token: string }
  | { readonly name: "guest"; readonly token: string; readonly host: string }
  | { readonly name: "room"; readonly room: string; readonly panel?: string; readonly item?: string }
  | { readonly name: "page"; readonly page: string };

/** @param hash `#/room/!id`, `#/room/!id/thread/$event`, `#/join/TOKEN`, `#/guest/TOKEN/@user`, `#/settings` and so on; else home */
export function parseRoute(hash: string): Route {
  const [name, first, panel, item] = hash.replace(/^#\/?/, "").split("/").map(decode);
  if (name === undefined || name === "") return { name: "home" };
  if (name === "join" && first !== undefined) return { name: "join", token: first };
  if (name === "guest" && first !== undefined && panel !== undefined)
    return { name: "guest", token: first, host: panel };
  if (name === "room" && first !== undefined)
    return {
      name: "room",
      room: first,
      ...(panel !== undefined && { panel }),
      ...(item !== undefined && { item }),
    };
  return { name: "page", page: name };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const route = signal(parseRoute(location.hash));
addEventListener("hashchange", () => (route.value = parseRoute(location.hash)));

/** @returns the address within the page, for links and `go` */
export const addressOf = (...parts: readonly string[]): string =>
  `#/${parts.map((part) => encodeURIComponent(part)).join("/")}`;

export function go(...parts: readonly string[]): void {
  location.hash = addressOf(...parts);
}
