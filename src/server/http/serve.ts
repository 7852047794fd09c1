/**
 * Files as answers: with ranges, so that players may jump, and without anything that runs in a browser.
 * Source: Matrix client-server API v1.19, "Content repository", "Serving inline content".
 */
import { notFound } from "../service/failure.js";

/** What a browser may show in place: nothing of it runs. The specification's own list. */
const INLINE: ReadonlySet<string> = new Set([
  ...["text/css", "text/plain", "text/csv", "application/json", "application/ld+json"],
  ...["image/jpeg", "image/gif", "image/png", "image/apng", "image/webp", "image/avif"],
  ...["video/mp4", "video/webm", "video/ogg", "video/quicktime"],
  ...["audio/mp4", "audio/webm", "audio/aac", "audio/mpeg", "audio/ogg", "audio/wave", "audio/wav"],
  ...["audio/x-wav", "audio/x-pn-wav", "audio/flac", "audio/x-flac"],
]);
const SAFE = {
  "content-security-policy":
    "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; media-src 'self'; object-src 'self';",
  "cross-origin-resource-policy": "cross-origin",
  "x-content-type-options": "nosniff",
};

export interface Served {
  readonly path: string;
  readonly type: string;
  /** Another one for each content. */
  readonly tag: string;
  readonly name?: string | undefined;
}

/** The content never changes, so it may be kept for ever by whoever may see it. */
export async function serve({ path, type, tag, name }: Served, request: Request): Promise<Response> {
  const file = Bun.file(path);
  if (!(await file.exists())) throw notFound("there is no such media any more");
  const bytes = file.size;
  const essence = (type.split(";")[0] ?? "").trim().toLowerCase();
  const headers = new Headers({
    ...SAFE,
    "content-type": type,
    "content-disposition": disposition(INLINE.has(essence) ? "inline" : "attachment", name),
    "cache-control": "private, max-age=31536000, immutable",
    "accept-ranges": "bytes",
    etag: `"${tag}"`,
  });
  if (request.headers.get("if-none-match") === `"${tag}"`)
    return new Response(null, { status: 304, headers });
  const range = rangeOf(request.headers.get("range"), bytes);
  if (range === "unsatisfiable") {
    headers.set("content-range", `bytes */${bytes}`);
    return new Response(null, { status: 416, headers });
  }
  const { from, to } = range ?? { from: 0, to: bytes - 1 };
  headers.set("content-length", String(to - from + 1));
  if (range !== undefined) headers.set("content-range", `bytes ${from}-${to}/${bytes}`);
  const body = request.method === "HEAD" ? null : file.slice(from, to + 1);
  return new Response(body, { status: range === undefined ? 200 : 206, headers });
}

/** Source: RFC 6266; RFC 8187 for names that are not ASCII. */
function disposition(kind: "inline" | "attachment", name: string | undefined): string {
  if (name === undefined || name === "") return kind;
  if (/^[\w.-]+$/.test(name)) return `${kind}; filename=${name}`;
  const encoded = encodeURIComponent(name.toWellFormed()).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename*=utf-8''${encoded}`;
}

/** One range; of several, or of what is none, all is sent. Source: RFC 9110, "Range". */
function rangeOf(
  header: string | null,
  bytes: number,
): { readonly from: number; readonly to: number } | "unsatisfiable" | undefined {
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  const from = first === "" ? Math.max(0, bytes - Number(last)) : Number(first);
  const to = first === "" || last === "" ? bytes - 1 : Math.min(Number(last), bytes - 1);
  if (first !== "" && last !== "" && Number(last) < from) return undefined;
  return from >= bytes || (first === "" && Number(last) === 0) ? "unsatisfiable" : { from, to };
}
