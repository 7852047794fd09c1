/**
 * Finding people. A private cloud: everybody with an account may find everybody.
 * Source: Matrix client-server API v1.19, "User Directory".
 */
import { z } from "zod";
import { endpoint, group } from "./endpoint.js";

const MOST = 50;

export const userDirectory = group("User directory", [
  endpoint({
    route: "POST /_matrix/client/v3/user_directory/search",
    body: z.object({ search_term: z.string().max(255), limit: z.int().positive().default(10) }),
    reply: z.object({
      limited: z.boolean(),
      results: z.array(
        z.object({
          user_id: z.string(),
          display_name: z.string().optional(),
          avatar_url: z.string().optional(),
        }),
      ),
    }),
    async handle({ caller, body }, { store }) {
      const limit = Math.min(body.limit, MOST);
      const found = (await store.accounts.search(body.search_term, limit + 2)).filter(
        ({ userId }) => userId !== caller.userId,
      );
      return {
        limited: found.length > limit,
        results: found.slice(0, limit).map(({ userId, displayName, avatarUrl }) => ({
          user_id: userId,
          ...(displayName !== undefined && { display_name: displayName }),
          ...(avatarUrl !== undefined && { avatar_url: avatarUrl }),
        })),
      };
    },
  }),
]);
