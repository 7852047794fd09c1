/**
 * What a text can be found by.
 *
 * Scripts that put no spaces between words are taken apart into single characters and pairs, so that a Chinese word
 * of two characters is found like any other, without a dictionary.
 */
import type { JsonObject } from "./json.js";
import { isObject, stringOrNone } from "./json.js";
import { relationOf } from "./relations.js";

/** Words of one text: what is longer is no message that somebody wrote. */
const MOST_WORDS = 2_000;
const LONGEST_WORD = 64;
const RUN = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]+|[\p{L}\p{N}\p{M}_]+/gu;
const UNSPACED = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;
const SPLIT =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]+|[^\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]+/gu;

export const KEYS = ["content.body", "content.name", "content.topic"] as const;
export type SearchKey = (typeof KEYS)[number];

const KEY_OF_TYPE: Readonly<Record<string, SearchKey>> = {
  "m.room.message": "content.body",
  "m.room.name": "content.name",
  "m.room.topic": "content.topic",
};

/** Source: client-server API, "Search": messages, names and topics of rooms. */
export const searchableTypes = (keys: readonly SearchKey[] = KEYS): string[] =>
  Object.entries(KEY_OF_TYPE).flatMap(([type, key]) => (keys.includes(key) ? [type] : []));

/** The text that an event is found by: of an edit, what it makes of the message. */
export function searchText(type: string, content: JsonObject): string | undefined {
  const key = KEY_OF_TYPE[type]?.slice("content.".length);
  if (key === undefined) return undefined;
  const edited = content["m.new_content"];
  const isEdit = relationOf(content)?.relType === "m.replace" && isObject(edited);
  return stringOrNone((isEdit ? edited : content)[key]);
}

export const fold = (text: string): string => text.normalize("NFKC").toLowerCase();

/** Runs of letters, folded: what is highlighted, and has to stand in the text as it is. */
export function runsOf(text: string): string[] {
  return (fold(text).match(RUN) ?? []).flatMap((run) => run.match(SPLIT) ?? []);
}

/** The index's words of a text, each once. */
export function wordsOf(text: string): string[] {
  const words = new Set<string>();
  for (const run of runsOf(text)) {
    if (words.size >= MOST_WORDS) break;
    if (!UNSPACED.test(run)) {
      words.add(run.slice(0, LONGEST_WORD));
      continue;
    }
    const characters = [...run].slice(0, MOST_WORDS);
    for (const [index, character] of characters.entries()) {
      words.add(character);
      const next = characters[index + 1];
      if (next !== undefined) words.add(character + next);
    }
  }
  return [...words];
}

/** The words that a hit has to have: of an unspaced run of several characters, its pairs alone. */
export function queryWords(term: string): string[] {
  return wordsOf(term).filter(
    (word, _index, all) =>
      [...word].length > 1 ||
      !all.some((other) => other !== word && other.includes(word) && UNSPACED.test(word)),
  );
}
