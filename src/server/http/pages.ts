/**
 * The pages for people, as scripts/build-web.mjs made them: the chat page at `/`, the administrators' at `/admin`, and
 * what the two load. They come compressed, and what has the hash of its content in its name may be kept for ever.
 *
 * The headers let a page run this server's own scripts, ask this server, and nothing else; nobody may frame it.
 * Sources: Content Security Policy Level 3; Trusted Types; RFC 9110, "Accept-Encoding" and "ETag".
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const Page = z.object({
  file: z.string(),
  type: z.string(),
  isPlain: z.boolean(),
  isImmutable: z.boolean(),
  tag: z.string(),
});
type Page = z.infer<typeof Page>;

/** For documents; a worker has the policy of its own answer, which is why every script gets it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types dompurify imcloud",
].join("; ");

const SAFE = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(self), microphone=(self), geolocation=(), payment=(), usb=()",
};

export class Pages {
  readonly #folder: string;
  readonly #pages: ReadonlyMap<string, Page>;

  /** @param folder where the pages were built to; a server without them has none */
  constructor(folder: string = builtFolder()) {
    this.#folder = folder;
    const list = join(folder, "pages.json");
    this.#pages = new Map(
      existsSync(list)
        ? Object.entries(z.record(z.string(), Page).parse(JSON.parse(readFileSync(list, "utf8"))))
        : [],
    );
  }

  /** @returns undefined when the path is no page's */
  answer(request: Request, path: string): Response | undefined {
    const page = this.#pages.get(path);
    if (page === undefined || !["GET", "HEAD"].includes(request.method)) return undefined;
    const encoding = page.isPlain ? "identity" : encodingFor(request.headers.get("accept-encoding") ?? "");
    const tag = `"${page.tag}-${encoding}"`;
    const headers = new Headers({
      ...SAFE,
      "content-type": page.type,
      "cache-control": page.isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
      vary: "accept-encoding",
      etag: tag,
    });
    if (isKnown(request.headers.get("if-none-match"), tag))
      return new Response(null, { status: 304, headers });
    if (encoding !== "identity") headers.set("content-encoding", encoding);
    return new Response(request.method === "HEAD" ? null : this.#body(page, encoding), { headers });
  }

  #body({ file, isPlain }: Page, encoding: Encoding): Blob | ReadableStream {
    const path = join(this.#folder, file);
    if (isPlain) return Bun.file(path);
    if (encoding === "br") return Bun.file(`${path}.br`);
    const compressed = Bun.file(`${path}.gz`);
    return encoding === "gzip"
      ? compressed
      : compressed.stream().pipeThrough(new DecompressionStream("gzip"));
  }
}

type Encoding = "br" | "gzip" | "identity";

/** @param accepted an Accept-Encoding field; what it forbids by `q=0` is not used */
function encodingFor(accepted: string): Encoding {
  const offers = new Set(
    accepted
      .toLowerCase()
      .split(",")
      .map((offer) => offer.replaceAll(" ", ""))
      .filter((offer) => !/;q=0(\.0*)?$/.test(offer))
      .map((offer) => offer.split(";")[0]),
  );
  return offers.has("br") ? "br" : offers.has("gzip") ? "gzip" : "identity";
}

const isKnown = (known: string | null, tag: string): boolean =>
  known !== null && known.split(",").some((it) => it.trim().replace(/^W\//, "") === tag);

/** Beside the bundle; a server that runs from its sources takes what was last built. */
function builtFolder(): string {
  const isSource = import.meta.url.endsWith(".ts");
  return join(import.meta.dirname, isSource ? "../../../dist/server/web" : "web");
}
