/**
 * Markdown as messengers have it, as the HTML of a formatted message: bold, italic, struck, code, quotes, lists, links.
 * marked finds lists, code and links. What decides whether a sign is meant as markup is stricter here than in
 * CommonMark, as a conversation has sums, faces and the names of files in it, and no spaces between Chinese words.
 *
 * Loaded once somebody types what can be markup: src/web/chat/formatting.ts.
 * Sources: CommonMark 0.31; Matrix client-server API v1.19, "m.room.message msgtypes", for the elements.
 */
import { Lexer, Tokenizer, type MarkedToken, type Token, type Tokens } from "marked";
import { escapeMarkup } from "../../shared/markup.js";
import { LANGUAGE, LINK } from "./allowed.js";
import { emphasis, START, wordsWith, type Mention } from "./emphasis.js";

import { pill } from "./pills.js";

export interface Formatted {
  readonly html: string;
  /** User ids of those whose name stands in it outside of code. */
  readonly mentioned: readonly string[];
}

/**
 * @param text as it was typed; HTML in it is text
 * @param named who was chosen while it was typed, by name
 * @returns undefined where nothing in it is markup
 * @throws RangeError when lists or quotes are within each other more deeply than the browser can follow
 * @see Matrix client-server API v1.19, "m.room.message msgtypes"
 * @example
 * format("**5** apples", new Map()); // { html: "<strong>5</strong> apples", mentioned: [] }
 */
export function format(text: string, named: ReadonlyMap<string, string>): Formatted | undefined {
  const tokens = lex(text, named);
  const found = kindsIn(tokens);
  // A path such as `C:\*.txt` has what looks like an escape, which keeps nothing from being markup.
  const isNeeded = () => isMarkup(kindsIn(lex(text.replace(ESCAPES, "$1"), named)));
  if (!isMarkup(found) && !(found.has("escape") && isNeeded())) return undefined;
  const mentioned = new Set<string>();
  return { html: renderBlocks(tokens, mentioned), mentioned: [...mentioned] };
}

/** What is not markup. Addresses are links in plain texts too. */
const PLAIN: ReadonlySet<string> = new Set([
  ...["paragraph", "text", "space", "br", "escape"],
  ...["address", "mention", "word"],
]);

const isMarkup = (kinds: ReadonlySet<string>): boolean => [...kinds].some((kind) => !PLAIN.has(kind));

function kindsIn(tokens: readonly Token[], kinds = new Set<string>()): Set<string> {
  for (const token of tokens) {
    kinds.add(token.type);
    if (token.type === "list") kindsIn((token as Tokens.List).items, kinds);
    kindsIn(childrenOf(token), kinds);
  }
  return kinds;
}

const childrenOf = (token: Token): readonly Token[] => ("tokens" in token ? token.tokens : undefined) ?? [];

function lex(text: string, named: ReadonlyMap<string, string>): Token[] {
  return new Lexer({
    gfm: true,
    breaks: true,
    tokenizer: new MessageTokenizer(),
    extensions: {
      renderers: {},
      childTokens: {},
      inline: [wordsWith(named), emphasis()],
      startInline: [(rest) => rest.search(START)],
    },
  }).lex(text);
}

/** Signs that a backslash before them makes text of. Not those of faces and paths: `¯\_(ツ)_/¯`, `\\server`. */
const ESCAPES = /\\([*`~[>])/g;
const ESCAPE = new RegExp(`^${ESCAPES.source}`);
/** Lines of a quote. The space is what tells one from a face. */
const QUOTE = /^ {0,3}> [^\n]*\S[^\n]*(?:\n {0,3}>(?: [^\n]*|(?=\n|$)))*/;
/** The end may stand behind the last line of the code. */
const FENCE = /^ {0,3}(`{3,})[ \t]*([^\s`]*)[^\n`]*\n([\s\S]*?)\n?[ \t]*\1`*[ \t]*(?:\n|$)/;

/** Lines of a list: items, what is indented, and empty ones. */
const LIST = /^(?: {0,3}(?:[-*]|\d{1,9}[.)])[ \t][^\n]*(?:\n|$)|[ \t]{2,}[^\n]*(?:\n|$)|[ \t]*\n)+/;

/** What of marked's Markdown is none in a message is text. */
class MessageTokenizer extends Tokenizer {
  override code(): undefined {}
  override heading(): undefined {}
  override lheading(): undefined {}
  override hr(): undefined {}
  override html(): undefined {}
  override tag(): undefined {}
  override def(): undefined {}
  override reflink(): undefined {}
  override table(): undefined {}
  override emStrong(): undefined {}
  override del(): undefined {}
  override url(): undefined {}
  override autolink(): undefined {}

  override escape(src: string): Tokens.Escape | undefined {
    const [raw, text] = ESCAPE.exec(src) ?? [];
    return raw === undefined || text === undefined ? undefined : { type: "escape", raw, text };
  }

  override br(src: string): Tokens.Br | undefined {
    const [raw] = /^ *\n/.exec(src) ?? [];
    return raw === undefined ? undefined : { type: "br", raw };
  }

  override fences(src: string): Tokens.Code | undefined {
    const [raw, , lang = "", text = ""] = FENCE.exec(src) ?? [];
    return raw === undefined ? undefined : { type: "code", raw, lang, text };
  }

  /** It ends with its last line: what follows is the answer to it. */
  override blockquote(src: string): Tokens.Blockquote | undefined {
    const [raw] = QUOTE.exec(src) ?? [];
    if (raw === undefined) return undefined;
    const text = raw.replace(/^ {0,3}> ?/gm, "");
    const { top } = this.lexer.state;
    this.lexer.state.top = true;
    const tokens = this.lexer.blockTokens(text);
    this.lexer.state.top = top;
    return { type: "blockquote", raw, text, tokens };
  }

  /**
   * A line alone is none, `1. 5 apples`; nor are numbers that do not follow each other, or sums, `+ 5`. It ends with its
   * last item: a line that is not indented is what follows it.
   */
  override list(src: string): Tokens.List | undefined {
    const { top } = this.lexer.state;
    const [lines = ""] = LIST.exec(src) ?? [];
    const list = super.list(lines);
    this.lexer.state.top = top;
    return list !== undefined && (!top || list.items.length > 1) && isCounted(list) ? list : undefined;
  }

  override link(src: string): Tokens.Link | undefined {
    const link = super.link(src);
    return link?.type === "link" && LINK.test(link.href) ? link : undefined;
  }
}

function isCounted({ ordered, items }: Tokens.List): boolean {
  if (!ordered) return true;
  const numbers = items.map(({ raw }) => Number.parseInt(raw, 10));
  const [first = 0] = numbers;
  return (
    numbers.every((number, index) => number === first + index) || numbers.every((number) => number === 1)
  );
}

/** Lines that follow each other are one paragraph, whatever they could have been the beginning of. */
function renderBlocks(tokens: readonly Token[], mentioned: Set<string>): string {
  const blocks: { html: string; isText: boolean }[] = [];
  let isAfterSpace = false;
  for (const token of tokens) {
    const isText = token.type === "paragraph" || token.type === "text";
    const html = isText
      ? renderInline(childrenOf(token), mentioned)
      : renderBlock(token as MarkedToken, mentioned);
    const last = blocks.at(-1);
    if (isText && last?.isText === true && !isAfterSpace) last.html += `<br>${html}`;
    else if (html !== "") blocks.push({ html, isText });
    isAfterSpace = token.type === "space";
  }
  const paragraphs = blocks.filter(({ isText }) => isText).length;
  return blocks.map(({ html, isText }) => (isText && paragraphs > 1 ? `<p>${html}</p>` : html)).join("");
}

function renderBlock(token: MarkedToken, mentioned: Set<string>): string {
  switch (token.type) {
    case "blockquote":
      return `<blockquote>${renderBlocks(token.tokens, mentioned)}</blockquote>`;
    case "code": {
      const { lang = "" } = token;
      const language = LANGUAGE.test(lang) ? ` class="language-${lang}"` : "";
      return `<pre><code${language}>${escapeMarkup(token.text)}\n</code></pre>`;
    }
    case "list": {
      const items = token.items.map((item) => `<li>${renderBlocks(item.tokens, mentioned)}</li>`).join("");
      if (!token.ordered) return `<ul>${items}</ul>`;
      return `<ol${token.start === 1 ? "" : ` start="${token.start}"`}>${items}</ol>`;
    }
    case "checkbox":
      return renderPiece(token, mentioned);
    default:
      return "";
  }
}

function renderInline(tokens: readonly Token[], mentioned: Set<string>): string {
  return tokens.map((token) => renderPiece(token, mentioned)).join("");
}

function renderPiece(token: Token, mentioned: Set<string>): string {
  const within = () => renderInline(childrenOf(token), mentioned);
  switch (token.type) {
    case "strong":
    case "em":
    case "del":
      return `<${token.type}>${within()}</${token.type}>`;
    case "codespan":
      return `<code>${escapeMarkup((token as Tokens.Codespan).text)}</code>`;
    case "br":
      return "<br>";
    case "link":
      return `<a href="${escapeMarkup((token as Tokens.Link).href)}">${within()}</a>`;
    case "address":
      return `<a href="${escapeMarkup(token.raw)}">${escapeMarkup(token.raw)}</a>`;
    case "mention": {
      const { name, userId } = token as Mention;
      mentioned.add(userId);
      return pill(name, userId);
    }
    case "checkbox":
      return (token as Tokens.Checkbox).checked ? "☑ " : "☐ ";
    case "escape":
    case "text":
      return escapeMarkup((token as Tokens.Text).text);
    default:
      return escapeMarkup(token.raw);
  }
}
