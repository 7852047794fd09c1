/**
 * imcloud's own administration of registration tokens. docs/admin-api.md
 */
import { z } from "zod";
import { notFound } from "../service/failure.js";
import type { RegistrationToken } from "../store/registration-tokens.js";
import { Empty, endpoint, group } from "./endpoint.js";

const PATH = "/_imcloud/admin/v1/registration-tokens";

const Token = z.object({
  id: z.string(),
  uses: z.number().optional(),
  used: z.number(),
  expires_at: z.number().optional(),
  created_at: z.number(),
});

const render = ({ id, uses, used, expiresAt, createdAt }: RegistrationToken): z.infer<typeof Token> => ({
  id,
  ...(uses !== undefined && { uses }),
  used,
  ...(expiresAt !== undefined && { expires_at: expiresAt }),
  created_at: createdAt,
});

export const adminTokens = group("Administration: registration tokens", [
  endpoint({
    route: `GET ${PATH}`,
    auth: "admin",
    reply: z.object({ tokens: z.array(Token) }),
    handle: async (_asked, { store }) => ({ tokens: (await store.registrationTokens.list()).map(render) }),
  }),

  endpoint({
    route: `POST ${PATH}`,
    auth: "admin",
    body: z.object({
      // Source: Matrix client-server API, "Token-authenticated registration".
      token: z
        .string()
        .regex(/^[A-Za-z0-9._~-]{1,64}$/, "1 to 64 letters, digits and ._~-")
        .optional(),
      uses: z.int().min(1).optional(),
      expires_at: z.int().min(0).optional(),
    }),
    reply: Token.extend({ token: z.string() }),
    async handle({ body }, { registrationTokens }) {
      const made = await registrationTokens.make({
        ...(body.token !== undefined && { token: body.token }),
        ...(body.uses !== undefined && { uses: body.uses }),
        ...(body.expires_at !== undefined && { expiresAt: body.expires_at }),
      });
      return { ...render(made), token: made.token };
    },
  }),

  endpoint({
    route: `DELETE ${PATH}/{id}`,
    auth: "admin",
    params: z.object({ id: z.string() }),
    reply: Empty,
    async handle({ params: { id } }, { store }) {
      if (!(await store.registrationTokens.delete(id))) throw notFound("there is no such token");
      return {};
    },
  }),
]);
