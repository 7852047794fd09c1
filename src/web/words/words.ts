/**
 * What the pages say, in the language of the browser or the one that was chosen.
 */
import { computed, signal } from "@preact/signals";
import { en } from "./en.js";
import { zh } from "./zh.js";

/** Texts by name; `{name}` in one stands for a value. Where a number decides, there are two. */
export type Words = Readonly<Record<keyof typeof en, string>>;
export type Word = keyof typeof en;
export type Language = "en" | "zh";

const LANGUAGES: Readonly<Record<Language, Words>> = { en, zh };
const KEY = "imcloud.language";

const isLanguage = (text: string): text is Language => text in LANGUAGES;

/** The first of the browser's languages that the pages speak. */
function browserLanguage(): Language {
  for (const tag of navigator.languages) {
    const language = tag.split("-")[0] ?? "";
    if (isLanguage(language)) return language;
  }
  return "en";
}

/** What was chosen; undefined for the browser's own. */
export const chosenLanguage = signal(storedLanguage());

function storedLanguage(): Language | undefined {
  const stored = localStorage.getItem(KEY) ?? "";
  return isLanguage(stored) ? stored : undefined;
}

export const language = computed(() => chosenLanguage.value ?? browserLanguage());

export function chooseLanguage(chosen: Language | undefined): void {
  if (chosen === undefined) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, chosen);
  chosenLanguage.value = chosen;
}

const localeNow = computed(
  () => navigator.languages.find((tag) => tag.startsWith(language.value)) ?? language.value,
);

/** For `Intl`: Simplified characters, and the region that the browser names, if it does. */
export const locale = (): string => localeNow.value;

/** @returns the text in the language of the moment; a component that shows it is drawn anew when that changes */
export function t(word: Word, values: Readonly<Record<string, string | number>> = {}): string {
  return fill(LANGUAGES[language.value][word], values);
}

/** Puts values where a text names them. */
export const fill = (text: string, values: Readonly<Record<string, string | number>>): string =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));

/** @returns `one` for 1 where the language tells one from many */
export function many(count: number, one: Word, others: Word): string {
  return t(isOne(count) ? one : others, { n: numbers.value.format(count) });
}

/** Making a format takes a hundred times as long as using one. */
const plurals = computed(() => new Intl.PluralRules(language.value));
const numbers = computed(() => new Intl.NumberFormat(locale()));
const lists = computed(() => new Intl.ListFormat(locale()));

export const isOne = (count: number): boolean => plurals.value.select(count) === "one";

/** `ann, ben, and cleo`, or as the language has it. */
export const listed = (names: readonly string[]): string => lists.value.format(names);
