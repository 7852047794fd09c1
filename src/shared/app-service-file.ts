/**
 * Registration files of application services, as bridges and bots write them: the CLI checks them before a board gets
 * them, the server before it starts.
 * Source: Matrix Application Service API v1.19, "Registration".
 */
import { z } from "zod";

const Token = z.string().min(1).describe("a secret of its own, that nothing else has");

const Namespace = z
  .array(
    z.looseObject({
      exclusive: z.boolean().default(false).describe("nobody else may make such users or aliases"),
      regex: z.string().min(1).describe("in RE2's syntax; an id that begins so is in the namespace"),
    }),
  )
  .nullish();

/** Bridges write more than this; what the server does not know is none of its business. */
export const AppServiceFile = z.looseObject({
  id: z.string().min(1).max(255),
  url: z
    .union([z.url({ protocol: /^https?$/ }), z.literal("")], "an http or https address, or null")
    .nullish(),
  as_token: Token,
  hs_token: Token,
  sender_localpart: z
    .string()
    // mautrix makes one at random, with capitals in it: the account is the service's own, and nobody signs in by its name.
    .regex(/^[!-9;-~]{1,200}$/, "letters, digits and signs, but no colon"),
  namespaces: z.looseObject({ users: Namespace, aliases: Namespace, rooms: Namespace }).nullish(),
  rate_limited: z.boolean().nullish(),
  protocols: z.array(z.string().min(1)).nullish(),
  receive_ephemeral: z.boolean().nullish(),
  // What bridges wrote before the specification had it.
  "de.sorunome.msc2409.push_ephemeral": z.boolean().nullish(),
});
export type AppServiceFile = z.infer<typeof AppServiceFile>;
