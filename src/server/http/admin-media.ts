/**
 * imcloud's own administration of what people have uploaded. docs/admin-api.md
 */
import { z } from "zod";
import { notFound } from "../service/failure.js";
import type { Media as StoredMedia } from "../store/media.js";
import { Page, Someone } from "./admin-users.js";
import { Empty, endpoint, group } from "./endpoint.js";

const PATH = "/_imcloud/admin/v1";
const One = z.object({ mediaId: z.string() });
const Pages = Page.omit({ search: true });

const Media = z.object({
  media_id: z.string(),
  user_id: z.string(),
  created_at: z.number(),
  quarantined: z.boolean(),
  /** Absent while nothing was uploaded into the place. */
  bytes: z.number().optional(),
  type: z.string().optional(),
  name: z.string().optional(),
  sha256: z.string().optional(),
});

const render = ({
  mediaId,
  userId,
  createdAt,
  isQuarantined,
  content,
}: StoredMedia): z.infer<typeof Media> => ({
  media_id: mediaId,
  user_id: userId,
  created_at: createdAt,
  quarantined: isQuarantined,
  ...(content !== undefined && { bytes: content.bytes, type: content.type, sha256: content.hash }),
  ...(content?.name !== undefined && { name: content.name }),
});

export const adminMedia = group("Administration: media", [
  endpoint({
    route: `GET ${PATH}/media`,
    auth: "admin",
    query: Pages,
    reply: z.object({
      users: z.array(z.object({ user_id: z.string(), media_count: z.number(), media_bytes: z.number() })),
      next: z.string().optional(),
    }),
    async handle({ query: { from, limit } }, { store }) {
      const users = await store.media.usageByUser(from, limit + 1);
      const page = users.slice(0, limit);
      const last = page.at(-1);
      return {
        users: page.map(({ userId, count, bytes }) => ({
          user_id: userId,
          media_count: count,
          media_bytes: bytes,
        })),
        ...(users.length > limit && last !== undefined && { next: last.userId }),
      };
    },
  }),

  endpoint({
    route: `GET ${PATH}/users/{userId}/media`,
    auth: "admin",
    params: Someone,
    query: Pages,
    reply: z.object({ media: z.array(Media), next: z.string().optional() }),
    async handle({ params, query: { from, limit } }, { accounts, store }) {
      const { userId } = await accounts.get(params.userId);
      const media = await store.media.page(userId, from, limit + 1);
      const page = media.slice(0, limit);
      const last = page.at(-1);
      return {
        media: page.map(render),
        ...(media.length > limit && last !== undefined && { next: last.mediaId }),
      };
    },
  }),

  endpoint({
    route: `DELETE ${PATH}/users/{userId}/media`,
    auth: "admin",
    params: Someone,
    query: z.object({ before: z.coerce.number().int().min(0).optional() }),
    reply: z.object({ deleted: z.number() }),
    async handle({ params, query: { before } }, { accounts, media }) {
      const { userId } = await accounts.get(params.userId);
      return { deleted: await media.deleteAll(userId, before) };
    },
  }),

  endpoint({
    route: `GET ${PATH}/media/{mediaId}`,
    auth: "admin",
    params: One,
    reply: Media,
    async handle({ params: { mediaId } }, { store }) {
      const media = await store.media.get(mediaId);
      if (media === undefined) throw notFound("there is no such media");
      return render(media);
    },
  }),

  endpoint({
    route: `DELETE ${PATH}/media/{mediaId}`,
    auth: "admin",
    params: One,
    reply: Empty,
    async handle({ params: { mediaId } }, { media }) {
      await media.delete(mediaId);
      return {};
    },
  }),

  endpoint({
    route: `PUT ${PATH}/media/{mediaId}/quarantine`,
    auth: "admin",
    params: One,
    body: z.object({ quarantined: z.boolean() }),
    reply: z.object({ affected: z.number() }),
    async handle({ params: { mediaId }, body }, { media }) {
      return { affected: await media.quarantine(mediaId, body.quarantined) };
    },
  }),
]);
