/**
 * Naming somebody in a message: what is typed after `@`, who may be meant, and how the message says so.
 * Source: Matrix client-server API v1.19, "User and room mentions".
 */
import type { Room } from "matrix-js-sdk";
import { escapeMarkup } from "../../shared/markup.js";
import { shortName } from "./describe.js";
import { longestFirst, pill } from "./pills.js";

export interface Suggestion {
  readonly userId: string;
  readonly name: string;
}

/** What stands between `@` and the caret, and where the `@` is. */
export interface Typed {
  readonly start: number;
  readonly text: string;
}

const MOST = 6;

/** @returns undefined where no name is being typed */
export function mentionAt(text: string, caret: number): Typed | undefined {
  const match = /(?:^|[\s(（，。、])@([^\s@]{0,40})$/.exec(text.slice(0, caret));
  return match === null ? undefined : { start: caret - (match[1]?.length ?? 0) - 1, text: match[1] ?? "" };
}

/** @returns those whose name or id begins with what was typed first, then those that have it elsewhere */
export function suggest(room: Room, typed: Typed | undefined): Suggestion[] {
  if (typed === undefined) return [];
  const wanted = typed.text.toLocaleLowerCase();
  const rank = ({ userId, name }: Suggestion) =>
    name.toLocaleLowerCase().startsWith(wanted) || userId.slice(1).startsWith(wanted)
      ? 0
      : name.toLocaleLowerCase().includes(wanted)
        ? 1
        : 2;
  return room
    .getJoinedMembers()
    .filter(({ userId }) => userId !== room.myUserId)
    .map(({ userId, rawDisplayName }) => ({ userId, name: shortName(rawDisplayName) }))
    .filter((it) => rank(it) < 2)
    .sort((one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name))
    .slice(0, MOST);
}

/** The parts of a message's content that name people. */
export interface Mentions {
  readonly "m.mentions": { readonly user_ids?: readonly string[] };
  readonly format?: "org.matrix.custom.html";
  readonly formatted_body?: string;
}

/** @param named who was chosen while it was typed, by name */
export function mentionsIn(text: string, named: ReadonlyMap<string, string>): Mentions {
  const found = longestFirst(named).filter(([name]) => text.includes(`@${name}`));
  if (found.length === 0) return { "m.mentions": {} };
  let html = escapeMarkup(text).replaceAll("\n", "<br>");
  for (const [name, userId] of found) html = html.replaceAll(`@${escapeMarkup(name)}`, pill(name, userId));
  return {
    "m.mentions": { user_ids: found.map(([, userId]) => userId) },
    format: "org.matrix.custom.html",
    formatted_body: html,
  };
}
