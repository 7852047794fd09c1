/**
 * Uploads and downloads.
 *
 * Only with a token: what the specification calls the old, open way is not offered.
 * Source: Matrix client-server API v1.19, "Content repository", "Serving inline content".
 */
import { z } from "zod";
import { invalid, notFound } from "../service/failure.js";
import { Empty, endpoint, group, Json, streaming, type Asked } from "./endpoint.js";
import { serve } from "./serve.js";

const DOWNLOAD = "/_matrix/client/v1/media/download/{serverName}/{mediaId}";
const MOST_NAME = 255;
const MOST_URL = 4_096;

/** How long a client waits for what is being uploaded, if it does not say; and at most. */
const DEFAULT_WAIT_MS = 20_000;
const MOST_WAIT_MS = 60_000;
const Waiting = z.object({
  timeout_ms: z.coerce
    .number()
    .int()
    .min(0)
    .default(DEFAULT_WAIT_MS)
    .transform((ms) => Math.min(ms, MOST_WAIT_MS)),
});
const Where = z.object({ serverName: z.string(), mediaId: z.string() });
const Named = z.object({ filename: z.string().max(MOST_NAME).optional() });
const Uri = z.object({ content_uri: z.string() });
/** Of what is asked for; more is answered by the whole picture. */
const Side = z.coerce.number().int().min(1);
const Config = z.object({ "m.upload.size": z.number() });

const config = (path: string) =>
  endpoint({
    route: `GET ${path}`,
    reply: Config,
    handle: (_asked, { config: { media } }) => ({ "m.upload.size": media.uploadBytes }),
  });

const preview = (path: string) =>
  endpoint({
    route: `GET ${path}`,
    // What is there now is all that there is, whichever moment was asked for.
    query: z.object({ url: z.string().max(MOST_URL), ts: z.coerce.number().int().optional() }),
    reply: Json,
    handle: ({ query }, { urlPreviews }) => urlPreviews.get(query.url),
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
      query: Waiting,
      reply: z.never(),
      async handle({ params, query, request, signal }, { media: repository }) {
        const patience = { ms: query.timeout_ms, signal };
        const { serverName, mediaId } = params;
        const { path, type, hash, name } = await repository.find(serverName, mediaId, patience);
        return serve({ path, type, tag: hash, name: params.fileName ?? name }, request);
      },
    }),
  ),

  preview("/_matrix/client/v1/media/preview_url"),
  preview("/_matrix/media/v3/preview_url"),

  // Whoever has no token may have what was there before tokens were needed: here, nothing was.
  ...["v3", "v1"].flatMap((version) =>
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
    query: Waiting.extend({
      width: Side,
      height: Side,
      method: z.enum(["crop", "scale"]).default("scale"),
      animated: z.stringbool().default(false),
    }),
    reply: z.never(),
    async handle({ params, query, request, signal }, { media: repository }) {
      const { animated, timeout_ms: ms, ...size } = query;
      const wish = { ...size, isAnimated: animated };
      const thumbnail = await repository.thumbnail(params.serverName, params.mediaId, wish, { ms, signal });
      const name = `thumbnail.${thumbnail.type.slice("image/".length)}`;
      return serve({ ...thumbnail, name }, request);
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
