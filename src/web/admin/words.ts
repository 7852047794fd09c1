/**
 * What the administrators' page says: its own words, beside those of all pages. The chat never loads them.
 */
import { adminEn, type AdminWord } from "../words/admin-en.js";
import { adminZh } from "../words/admin-zh.js";
import { fill, isOne, language, locale, t as shared, type Language, type Word } from "../words/words.js";

const LANGUAGES: Readonly<Record<Language, Readonly<Record<AdminWord, string>>>> = {
  en: adminEn,
  zh: adminZh,
};

type Values = Readonly<Record<string, string | number>>;

const isOwn = (word: string): word is AdminWord => Object.hasOwn(adminEn, word);

/** @returns the text in the language of the moment; a component that shows it is drawn anew when that changes */
export const t = (word: AdminWord | Word, values: Values = {}): string =>
  isOwn(word) ? fill(LANGUAGES[language.value][word], values) : shared(word, values);

/** @returns `one` for 1 where the language tells one from many */
export function many(count: number, one: AdminWord, others: AdminWord): string {
  return t(isOne(count) ? one : others, { n: number(count) });
}

/** @param digits after the point, at most */
export const number = (value: number, digits = 0): string =>
  new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value);

/** The word of a name that the server gives, such as a check's; the name itself where it is a new one. */
export const named = (prefix: string, name: string, otherwise = name): string => {
  const word = `${prefix}_${name}`;
  return isOwn(word) ? t(word) : otherwise;
};
