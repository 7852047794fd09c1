/**
 * What is sent of what was typed: the text as it is and, where something in it is markup, HTML beside it.
 * Source: Matrix client-server API v1.19, "m.room.message msgtypes".
 */
import { MsgType } from "matrix-js-sdk";
import { mentionsIn, type Mentions } from "./mentions.js";

export interface TextContent extends Mentions {
  readonly msgtype: MsgType.Text;
  /** What was typed, signs and all: an edit shows it again. */
  readonly body: string;
}

/** Without one of these there is nothing to format. */
const MARKUP = /[*_~`[]|^ {0,3}(?:[>-]|\d{1,9}[.)]) /m;
/** How long a message waits for what formats it, in milliseconds: then it is sent as it was typed. */
const PATIENCE_MS = 3_000;
/** Longest text that is formatted, in UTF-16 units. */
const LONGEST = 20_000;

const importMarkdown = () => import("./markdown.js");

let markdown: ReturnType<typeof importMarkdown> | undefined;

function load(): ReturnType<typeof importMarkdown> {
  markdown ??= importMarkdown().catch((error: unknown) => {
    markdown = undefined;
    throw error;
  });
  return markdown;
}

/** While it is typed: what formats it is there then once it is sent. */
export function prepareFormatting(text: string): void {
  if (!MARKUP.test(text)) return;
  load().catch((error: unknown) => console.info("nothing can be formatted yet", error));
}

let inTurn: Promise<unknown> = Promise.resolve();

/**
 * Nothing overtakes a message that waits for what formats it. It never fails: what cannot be formatted is plain.
 *
 * @param named who was chosen while it was typed, by name
 * @see Matrix client-server API v1.19, "m.room.message msgtypes" and "User and room mentions"
 */
export function contentOf(text: string, named: ReadonlyMap<string, string>): Promise<TextContent> {
  const content = inTurn.then(async () => ({
    msgtype: MsgType.Text as const,
    body: text,
    ...((await formattedIn(text, named)) ?? mentionsIn(text, named)),
  }));
  inTurn = content;
  return content;
}

async function formattedIn(text: string, named: ReadonlyMap<string, string>): Promise<Mentions | undefined> {
  if (text.length > LONGEST || !MARKUP.test(text)) return undefined;
  try {
    const { format } = await inTime(load());
    const formatted = format(text, named);
    if (formatted === undefined) return undefined;
    const { html, mentioned } = formatted;
    return {
      "m.mentions": mentioned.length === 0 ? {} : { user_ids: mentioned },
      format: "org.matrix.custom.html",
      formatted_body: html,
    };
  } catch (error) {
    console.warn("a message is sent without its formatting", error);
    return undefined;
  }
}

function inTime<T>(work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("it took too long to load")), PATIENCE_MS);
    void work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
