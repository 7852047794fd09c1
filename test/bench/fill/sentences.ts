/**
 * What people say, for databases of any size: as many different words as a language has in daily use, the common ones
 * far more often than the others, so that an index of words is as large as it would be.
 */

const SYLLABLES = [
  "ka",
  "lo",
  "min",
  "ter",
  "su",
  "ve",
  "ran",
  "di",
  "pol",
  "che",
  "na",
  "gu",
  "est",
  "or",
  "im",
];
const WORDS = 20_000;
const LONGEST = 20;

/** The same number always gives the same sentence, of 1 to 20 words. */
export function sentence(number: number): string {
  let state = (number + 1) * 2_654_435_761;
  const next = (): number => {
    // A step of xorshift32. Source: Marsaglia, "Xorshift RNGs", 2003.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  const words = Array.from({ length: 1 + Math.floor(next() * LONGEST) }, () =>
    word(Math.floor(WORDS ** next())),
  );
  return words.join(" ");
}

/** Common words are short, as everywhere. */
function word(rank: number): string {
  const parts: string[] = [];
  for (let rest = rank + SYLLABLES.length; rest > 0; rest = Math.floor(rest / SYLLABLES.length))
    parts.push(SYLLABLES[rest % SYLLABLES.length] ?? "");
  return parts.join("");
}
