/**
 * imcloud's own administration of invitations: a registration token, and the link that carries it. docs/admin-api.md
 */
import { z } from "zod";
import { fingerprintLines } from "../../shared/authority-certificate.js";
import { forbidden } from "../service/failure.js";
import { endpoint, group } from "./endpoint.js";

export const adminInvitations = group("Administration: invitations", [
  endpoint({
    route: "POST /_imcloud/admin/v1/invitations",
    auth: "admin",
    body: z.object({ uses: z.int().min(1).optional(), expires_at: z.int().min(0).optional() }),
    reply: z.object({
      id: z.string().describe("of the registration token, to take it back"),
      token: z.string(),
      link: z.string(),
      address: z.string().describe("where the chat is"),
      uses: z.number().optional(),
      expires_at: z.number().optional(),
      fingerprint: z.array(z.string()).optional().describe("of the cloud's own authority, in lines"),
      trouble: z.string().optional().describe("why the link does not lead by way of the welcome page"),
    }),
    async handle({ body }, { config, registrationTokens, welcome }) {
      const { mode } = config.registration;
      if (mode !== "token")
        throw forbidden(
          mode === "open"
            ? `registration is open: whoever reaches ${welcome.address} makes an account there, without an invitation`
            : "registration is closed: accounts are made by administrators alone",
        );
      const { id, token, uses, expiresAt } = await registrationTokens.make({
        ...(body.uses !== undefined && { uses: body.uses }),
        ...(body.expires_at !== undefined && { expiresAt: body.expires_at }),
      });
      const { authority, trouble } = welcome;
      return {
        ...{ id, token, link: welcome.linkOf(token), address: welcome.address },
        ...(uses !== undefined && { uses }),
        ...(expiresAt !== undefined && { expires_at: expiresAt }),
        ...(authority !== undefined && { fingerprint: [...fingerprintLines(authority.sha256)] }),
        ...(trouble !== undefined && { trouble }),
      };
    },
  }),
]);
