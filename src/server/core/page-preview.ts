/**
 * What an HTML page says of itself, for a preview: OpenGraph, and where that is missing, what pages had before.
 * Sources: The Open Graph protocol, ogp.me; HTML, "Determining the character encoding".
 */
import { Parser } from "htmlparser2";

export interface PagePreview {
  /** OpenGraph's properties, `og:title` and others, but those of pictures. */
  readonly properties: Readonly<Record<string, string>>;
  /** As the page says it, maybe relative. */
  readonly image?: string;
  readonly imageAlt?: string;
}

const MOST_CHARACTERS = 1_000;
const MOST_PROPERTIES = 50;
/** Where a page has to say its encoding, in bytes. Source: HTML, "Specifying the document's character encoding". */
const ENCODING_WITHIN = 1_024;

/** What stands for a property that is missing, the best first. */
const STAND_INS: Readonly<Record<string, readonly string[]>> = {
  "og:title": ["twitter:title", "title"],
  "og:description": ["twitter:description", "description"],
  "og:image": ["og:image:secure_url", "og:image:url", "twitter:image", "twitter:image:src", "image_src"],
};

/** @param type the answer's content type, which may say the encoding */
export function previewOf(page: Uint8Array, type: string): PagePreview {
  const found = read(decode(page, type));
  for (const [name, others] of Object.entries(STAND_INS)) {
    const value = others.map((other) => found.get(other)).find((text) => text !== undefined);
    if (!found.has(name) && value !== undefined) found.set(name, value);
  }
  const [image, imageAlt] = [found.get("og:image"), found.get("og:image:alt")];
  const properties = [...found].filter(([name]) => name.startsWith("og:") && !/^og:image(:|$)/.test(name));
  return {
    properties: Object.fromEntries(properties.slice(0, MOST_PROPERTIES)),
    ...(image !== undefined && { image }),
    ...(imageAlt !== undefined && { imageAlt }),
  };
}

/** The first of each name that says something. */
function read(html: string): Map<string, string> {
  const found = new Map<string, string>();
  const note = (name: string, text: string) => {
    const value = text.replaceAll(/\s+/g, " ").trim().slice(0, MOST_CHARACTERS).toWellFormed();
    if (value !== "" && !found.has(name)) found.set(name, value);
  };
  let title: string | undefined;
  const parser = new Parser({
    onopentag(tag, { name, property, content, rel, href }) {
      if (tag === "title") title ??= "";
      const key = (property ?? name ?? "").toLowerCase();
      if (tag === "meta" && content !== undefined && /^(og:|twitter:|description$)/.test(key))
        note(key, content);
      if (tag === "link" && rel === "image_src" && href !== undefined) note(rel, href);
    },
    ontext(text) {
      if (title !== undefined && title.length < MOST_CHARACTERS) title += text;
    },
    onclosetag(tag) {
      if (tag !== "title" || title === undefined) return;
      note("title", title);
      title = undefined;
    },
  });
  parser.end(html);
  return found;
}

/** A mark at the beginning is worth most, then what the server says, then the page. */
function decode(page: Uint8Array, type: string): string {
  const head = new TextDecoder("latin1").decode(page.subarray(0, ENCODING_WITHIN));
  const marked = /^(\xef\xbb\xbf)|^(\xff\xfe)|^(\xfe\xff)/.exec(head);
  const byMark =
    marked === null
      ? undefined
      : ["utf-8", "utf-16le", "utf-16be"][marked.findIndex((it, at) => at > 0 && it !== undefined) - 1];
  const labels = [
    byMark,
    ...[type, head].map((text) => /charset\s*=\s*["']?\s*([\w:.-]{1,40})/i.exec(text)?.[1]),
  ];
  for (const label of labels) {
    if (label === undefined) continue;
    try {
      return new TextDecoder(label as Bun.Encoding).decode(page);
    } catch {
      // A name that nobody knows says nothing.
    }
  }
  return new TextDecoder().decode(page);
}
