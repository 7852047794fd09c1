/**
 * Which signs in a message mark what is between them, and which are its own: sums, faces, names of files, a drawl.
 *
 * Single signs, and those of struck text, stand between spaces or brackets and the like, as `张*伟` and `好的~~` are not
 * meant to be marked. `**` may also stand within what is written without spaces: `这是**重点。**内容`, where CommonMark
 * sees no end, as a full stop is before it and a letter behind it.
 */
import type { Token, TokenizerExtensionFunction, Tokens } from "marked";
import { ADDRESS } from "./addresses.js";
import { longestFirst } from "./pills.js";

/** Scripts that put no space between words. */
const UNSPACED = String.raw`\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}`;
const LETTER_BEFORE = /[\p{L}\p{M}\p{N}_]$/u;
const UNSPACED_BEFORE = new RegExp(`[${UNSPACED}]$`, "u");
const LETTER_AFTER = /^[\p{L}\p{M}\p{N}_]/u;
const UNSPACED_AFTER = new RegExp(`^[${UNSPACED}]`, "u");
/** Where a single sign may begin something: not behind the eyes of a face, `:*`. */
const FREE_BEFORE = /(?:^|[\s([{"'“‘«\u3000-\u303f\uff00-\uffef]|\p{Extended_Pictographic}\ufe0f?)$/u;
/** What something marked may begin with. */
const CONTENT = /^[*_~`]{0,4}[\p{L}\p{N}\p{Extended_Pictographic}@#&$€£¥+\-"'“‘«([{<\\（「『《【]/u;
const RUN = /([*_~])\1*/g;

/** What holds signs that are no markup: escapes, code, links, addresses. */
const COVERED = new RegExp(
  String.raw`\\[*\x60~[>]|(\x60+)[^\x60](?:[\s\S]*?[^\x60])?\1(?!\x60)|\]\([^)\s]*\)|${ADDRESS.source}`,
  "gi",
);

/** Where marked has to stop reading text. */
export const START = /[*_~@]|https?:\/\/|[A-Za-z0-9\u00c0-\u024f]+`/i;
const ADDRESS_HERE = new RegExp(`^(?:${ADDRESS.source})`, "i");
const WORD_WITH_TICK = /^[A-Za-z0-9\u00c0-\u024f]+`(?=[A-Za-z0-9\u00c0-\u024f])/;

/** An address, without the signs that end what it stands in. */
const addressAt = (text: string): string => (ADDRESS_HERE.exec(text)?.[0] ?? "").replace(/[*~]+$/, "");

/** A name that was chosen while it was typed. */
export interface Mention extends Tokens.Generic {
  readonly name: string;
  readonly userId: string;
}

/** @returns a tokenizer for what is one word, whatever signs it has: addresses, names, ``it`s`` */
export function wordsWith(named: ReadonlyMap<string, string>): TokenizerExtensionFunction {
  const names = longestFirst(named);
  return function (src, tokens) {
    const { inLink } = this.lexer.state;
    const address = LETTER_BEFORE.test(before(tokens)) ? "" : addressAt(src);
    if (address !== "") return { type: inLink ? "word" : "address", raw: address };
    const [name, userId] = names.find(([it]) => src.startsWith(`@${it}`)) ?? [];
    if (name !== undefined) return { type: inLink ? "word" : "mention", raw: `@${name}`, name, userId };
    const [word] = WORD_WITH_TICK.exec(src) ?? [];
    return word === undefined ? undefined : { type: "word", raw: word };
  };
}

const before = (tokens: readonly Token[]): string => tokens.at(-1)?.raw.slice(-3) ?? "";

/** One or more of the same sign. */
interface Run {
  readonly at: number;
  readonly length: number;
  readonly sign: string;
}

/**
 * @returns a tokenizer for `*italic*`, `_italic_`, `**bold**`, `***both***` and `~~struck~~`
 * @see CommonMark 0.31, "Emphasis and strong emphasis", of which this is less
 */
export function emphasis(): TokenizerExtensionFunction {
  // Of each stretch of text that is read, by the list that its tokens go to.
  const stretches = new WeakMap<readonly Token[], Stretch>();
  return function (src, tokens) {
    const known = stretches.get(tokens) ?? new Stretch(src);
    stretches.set(tokens, known);
    const marked = known.at(src, before(tokens));
    if (marked === undefined) return undefined;
    const { sign, length, end } = marked;
    const raw = src.slice(0, end);
    const inner = this.lexer.inlineTokens(src.slice(length, end - length));
    const italic = { type: "em", raw, tokens: inner };
    if (length === 1) return italic;
    if (length === 3) return { type: "strong", raw, tokens: [italic] };
    return { type: sign === "~" ? "del" : "strong", raw, tokens: inner };
  };
}

/** Text that is read from its beginning to its end, and the signs in it. */
class Stretch {
  readonly #text: string;
  readonly #runs: readonly Run[];
  readonly #indices: ReadonlyMap<number, number>;

  constructor(src: string) {
    this.#text = src.replace(COVERED, cover);
    this.#runs = [...this.#text.matchAll(RUN)].map(({ 0: { length }, 1: sign = "", index: at }) => ({
      ...{ at, length, sign },
    }));
    this.#indices = new Map(this.#runs.map(({ at }, index) => [at, index]));
  }

  /**
   * @param rest what is still to be read of it
   * @param left what was read last
   * @returns what it begins with is marked by, and where that ends; undefined when it is not
   */
  at(rest: string, left: string): (Run & { readonly end: number }) | undefined {
    const at = this.#text.length - rest.length;
    const index = this.#indices.get(at);
    const open = index === undefined ? undefined : this.#runs[index];
    if (index === undefined || open === undefined || !opens(open, left, rest)) return undefined;
    const close = this.#closing(open, index);
    return close === undefined ? undefined : { ...open, end: close.at + close.length - at };
  }

  /** The next as long as it; else the next that is longer, where something within ends too. */
  #closing(open: Run, index: number): Run | undefined {
    const lineEnd = this.#text.indexOf("\n", open.at);
    const last = open.length > 1 || lineEnd < 0 ? Infinity : lineEnd;
    let longer: Run | undefined;
    for (let next = index + 1; next < this.#runs.length; next += 1) {
      const run = this.#runs[next];
      if (run === undefined || run.at > last) break;
      if (run.sign !== open.sign || run.length < open.length || !closes(run, open, this.#text)) continue;
      if (run.length === open.length) return run;
      longer ??= run;
    }
    return longer;
  }
}

/** As long as it was, without a sign in it. */
function cover(whole: string): string {
  const address = addressAt(whole);
  return address === "" ? "a".repeat(whole.length) : "a".repeat(address.length) + whole.slice(address.length);
}

const LENGTHS: Readonly<Record<string, number>> = { "*": 3, _: 1, "~": 2 };

function opens({ sign, length }: Run, left: string, src: string): boolean {
  if (length > (LENGTHS[sign] ?? 0) || (sign === "~" && length !== 2)) return false;
  if (!CONTENT.test(src.slice(length))) return false;
  if (length === 1) return FREE_BEFORE.test(left);
  return !LETTER_BEFORE.test(left) || (sign === "*" && UNSPACED_BEFORE.test(left));
}

function closes({ at, length }: Run, open: Run, text: string): boolean {
  const right = text.slice(at + length, at + length + 2);
  if (/\s/.test(text[at - 1] ?? "")) return false;
  return !LETTER_AFTER.test(right) || (open.sign === "*" && open.length > 1 && UNSPACED_AFTER.test(right));
}
