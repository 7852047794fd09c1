/** In which language a page is: by the address, else by what the browser asks for. */
import { english } from "./words-en.js";
import { chinese } from "./words-zh.js";
import type { Words } from "./words.js";

export type Language = "en" | "zh";

/** `tag` is BCP 47's, as browsers and screen readers want it. */
export const LANGUAGES: Readonly<
  Record<Language, { readonly tag: string; readonly name: string; readonly words: Words }>
> = {
  en: { tag: "en", name: "English", words: english },
  zh: { tag: "zh-Hans", name: "简体中文", words: chinese },
};

const isLanguage = (word: string): word is Language => Object.hasOwn(LANGUAGES, word);

/**
 * The first that we have, of those with the highest weight. Any Chinese is better read in simplified characters than in
 * English. Source: RFC 9110, "Accept-Language".
 *
 * @param asked `?lang=`
 * @param accepted the header
 */
export function languageOf(asked: string | null, accepted: string | null): Language {
  if (asked !== null && isLanguage(asked)) return asked;
  const wishes = (accepted ?? "").split(",").flatMap((part) => {
    const [range = "", ...parameters] = part.trim().split(";");
    const language = range.split("-")[0]?.toLowerCase() ?? "";
    const weight = parameters.map((text) => /^\s*q=([\d.]+)\s*$/.exec(text)?.[1]).find(Boolean);
    return isLanguage(language) ? [{ language, weight: Number(weight ?? 1) }] : [];
  });
  return (
    wishes.filter(({ weight }) => weight > 0).toSorted((a, b) => b.weight - a.weight)[0]?.language ?? "en"
  );
}
