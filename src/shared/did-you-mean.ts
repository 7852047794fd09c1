/**
 * The word that somebody probably meant.
 *
 * @returns the candidate that is nearest to the word, if it is near enough that the slip is more likely than
 *   the coincidence: a third of the letters at most
 * @example didYouMean("adress", ["address", "port"]) // "address"
 */
import { closest, distance } from "fastest-levenshtein";

export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0) return undefined;
  const nearest = closest(word.toLowerCase(), [...candidates]);
  return distance(word.toLowerCase(), nearest.toLowerCase()) <= Math.max(1, Math.ceil(word.length / 3))
    ? nearest
    : undefined;
}
