/** Signs around what is selected in a text. */
export interface Selection {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/**
 * @param sign what to put around what is selected, or to take away where it stands there
 * @returns with the same words selected; without any, with the caret between the signs
 */
export function wrap({ text, start, end }: Selection, sign: string): Selection {
  const selected = text.slice(start, end);
  const first = start + (selected.length - selected.trimStart().length);
  const last = Math.max(first, end - (selected.length - selected.trimEnd().length));
  const [left, middle, right] = [text.slice(0, first), text.slice(first, last), text.slice(last)];
  return signsAt(left, sign, "end") === sign.length && signsAt(right, sign, "start") === sign.length
    ? {
        text: `${left.slice(0, -sign.length)}${middle}${right.slice(sign.length)}`,
        start: first - sign.length,
        end: last - sign.length,
      }
    : {
        text: `${left}${sign}${middle}${sign}${right}`,
        start: first + sign.length,
        end: last + sign.length,
      };
}

/** How many of the sign's first character stand there: `*` beside a word is not half of `**`. */
function signsAt(text: string, sign: string, where: "start" | "end"): number {
  const run = where === "start" ? /^\*+/ : /\*+$/;
  const length = run.exec(text)?.[0].length ?? 0;
  // Of three, one is the italic and two are the bold.
  return length === 3 ? sign.length : length;
}
