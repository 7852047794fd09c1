/**
 * Names in messages as links to their owners, which clients show as pills.
 * Source: Matrix client-server API v1.19, "User and room mentions".
 */
import { escapeMarkup } from "../../shared/markup.js";

/** As this page and others write it. */
const PILL = /<a href="https:\/\/matrix\.to\/#\/(@[^"]+|%40[^"]+)">@?([^<]+)<\/a>/g;

/** Longer names first: `@Ann` is within `@Anna`. */
export const longestFirst = (named: ReadonlyMap<string, string>): [name: string, userId: string][] =>
  [...named].sort(([one], [other]) => other.length - one.length);

export const pill = (name: string, userId: string): string =>
  `<a href="https://matrix.to/#/${encodeURIComponent(userId)}">${escapeMarkup(name)}</a>`;

/** @returns user ids by the names that stand for them */
export const pillsIn = (html: string): ReadonlyMap<string, string> =>
  new Map(
    [...html.matchAll(PILL)].map(({ 1: id = "", 2: name = "" }) => [
      unescapeMarkup(name),
      decodeURIComponent(id),
    ]),
  );

const unescapeMarkup = (text: string): string =>
  text.replace(/&(?:lt|gt|quot|amp);/g, (entity) => ENTITIES[entity] ?? entity);

const ENTITIES: Readonly<Record<string, string>> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&amp;": "&" };
