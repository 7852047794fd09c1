/**
 * Uploads and downloads.
 *
 * Only with a token: what the specification calls the old, open way is not offered. There are no thumbnails made here;
 * a picture stands for its own.
 * Source: Matrix client-server API v1.19, "Content repository", "Serving inline content".
 */
import { z } from "zod";
import { Failure, invalid, notFound } from "../service/failure.js";
import type { MediaContent } from "../store/media.js";
import { Empty, endpoint, group, streaming, type Asked } from "./endpoint.js";

const DOWNLOAD = "/_matrix/client/v1/media/download/{serverName}/{mediaId}";
const MOST_NAME = 255;

/** What a browser may show in place: nothing of it runs. The specification's own list. */
const INLINE: ReadonlySet<string> = new Set([
  ...["text/css", "text/plain", "text/csv", "application/json", "application/ld+json"],
  ...["image/jpeg", "image/gif", "image/png", "image/apng", "image/webp", "image/avif"],
  ...["video/mp4", "video/webm", "video/ogg", "video/quicktime"],
  ...["audio/mp4", "audio/webm", "audio/aac", "audio/mpeg", "audio/ogg", "audio/wave", "audio/wav"],
  ...["audio/x-wav", "audio/x-pn-wav", "audio/flac", "audio/x-flac"],
]);
const PICTURES = /^image\/(jpeg|gif|png|apng|webp|avif)$/;

const SAFE = {
  "content-security-policy":
    "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; media-src 'self'; object-src 'self';",
  "cross-origin-resource-policy": "cross-origin",
  "x-content-type-options": "nosniff",
};

const Where = z.object({ serverName: z.string(), mediaId: z.string() });
const Named = z.object({ filename: z.string().max(MOST_NAME).optional() });
const Uri = z.object({ content_uri: z.string() });
const Config = z.object({ "m.upload.size": z.number() });

const config = (path: string) =>
  endpoint({
    route: `GET ${path}`,
    reply: Config,
    handle: (_asked, { config: { media } }) => ({ "m.upload.size": media.uploadBytes }),
  });

export const media = group("Content repository", [
  streaming({
    route: "POST /_matrix/media/v3/upload",
    refusesSuspended: true,
    limit: "message",
    query: Named,
    reply: Uri,
    async handle(asked, services) {
      const mediaId = await services.media.upload(uploadOf(asked));
      return { content_uri: services.media.uriOf(mediaId) };
    },
  }),

  endpoint({
    route: "POST /_matrix/media/v1/create",
    refusesSuspended: true,
    limit: "message",
    reply: Uri.extend({ unused_expires_at: z.number() }),
    async handle({ caller }, services) {
      const { mediaId, expiresAt } = await services.media.reserve(caller.userId);
      return { content_uri: services.media.uriOf(mediaId), unused_expires_at: expiresAt };
    },
  }),

  streaming({
    route: "PUT /_matrix/media/v3/upload/{serverName}/{mediaId}",
    refusesSuspended: true,
    params: Where,
    query: Named,
    reply: Empty,
    async handle(asked, services) {
      if (asked.params.serverName !== services.config.serverName)
        throw invalid("that place is another server's");
      await services.media.fill(asked.params.mediaId, uploadOf(asked));
      return {};
    },
  }),

  config("/_matrix/client/v1/media/config"),
  config("/_matrix/media/v3/config"),

  ...[DOWNLOAD, `${DOWNLOAD}/{fileName}`].map((path) =>
    streaming({
      route: `GET ${path}`,
      params: Where.extend({ fileName: z.string().max(MOST_NAME).optional() }),
      reply: z.never(),
      handle: async ({ params, request }, services) =>
        serve(await services.media.find(params.serverName, params.mediaId), request, params.fileName),
    }),
  ),

  // Whoever has no token may have what was there before tokens were needed: here, nothing was.
  ...["v3", "r0", "v1"].flatMap((version) =>
    [
      "download/{serverName}/{mediaId}",
      "download/{serverName}/{mediaId}/{fileName}",
      "thumbnail/{serverName}/{mediaId}",
    ].map((path) =>
      endpoint({
        route: `GET /_matrix/media/${version}/${path}`,
        auth: "none",
        reply: z.never(),
        handle() {
          throw notFound("media are for those with a token: /_matrix/client/v1/media");
        },
      }),
    ),
  ),

  streaming({
    route: "GET /_matrix/client/v1/media/thumbnail/{serverName}/{mediaId}",
    params: Where,
    query: z.object({
      width: z.coerce.number().int().min(1),
      height: z.coerce.number().int().min(1),
      method: z.enum(["crop", "scale"]).optional(),
    }),
    reply: z.never(),
    async handle({ params, request }, { media: repository }) {
      const found = await repository.find(params.serverName, params.mediaId);
      if (!PICTURES.test(found.type))
        throw new Failure("M_UNKNOWN", "there is no picture of this", { status: 400 });
      return serve(found, request);
    },
  }),
]);

function uploadOf({ caller, query, request }: Asked<object, z.infer<typeof Named>, object>) {
  const declared = request.headers.get("content-length");
  return {
    userId: caller.userId,
    body: request.body,
    ...(declared !== null && { declaredBytes: Number(declared) }),
    type: typeOf(request.headers.get("content-type")),
    ...(query.filename !== undefined && { name: query.filename }),
  };
}

/** Of what is no media type, what says least. */
const typeOf = (header: string | null): string =>
  header !== null && header.length <= MOST_NAME && /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(\s*;.*)?$/.test(header)
    ? header
    : "application/octet-stream";

/** The content never changes, so it may be kept for ever by whoever may see it. */
function serve(
  { path, hash, bytes, type, name }: MediaContent & { readonly path: string },
  request: Request,
  fileName = name,
): Response {
  const essence = (type.split(";")[0] ?? "").trim().toLowerCase();
  const headers = new Headers({
    ...SAFE,
    "content-type": type,
    "content-disposition": disposition(INLINE.has(essence) ? "inline" : "attachment", fileName),
    "cache-control": "private, max-age=31536000, immutable",
    "accept-ranges": "bytes",
    etag: `"${hash}"`,
  });
  if (request.headers.get("if-none-match") === `"${hash}"`)
    return new Response(null, { status: 304, headers });
  const range = rangeOf(request.headers.get("range"), bytes);
  if (range === "unsatisfiable") {
    headers.set("content-range", `bytes */${bytes}`);
    return new Response(null, { status: 416, headers });
  }
  const { from, to } = range ?? { from: 0, to: bytes - 1 };
  headers.set("content-length", String(to - from + 1));
  if (range !== undefined) headers.set("content-range", `bytes ${from}-${to}/${bytes}`);
  const body = request.method === "HEAD" ? null : Bun.file(path).slice(from, to + 1);
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
