/**
 * Invitations: a registration token that the IM server makes, and the link that it says people come in by.
 */
import { z } from "zod";
import { ImcloudError } from "../shared/errors.js";
import { askServer } from "./ask-server.js";
import type { Fleet } from "./fleet.js";

/** As docs/admin-api.md has it. */
const Answer = z.object({
  id: z.string(),
  token: z.string(),
  link: z.string(),
  address: z.string(),
  uses: z.number().optional(),
  expires_at: z.number().optional(),
  fingerprint: z.array(z.string()).optional(),
  trouble: z.string().optional(),
});

export interface InvitationWish {
  /** How many accounts it makes. */
  readonly uses: number;
  readonly expiresAt: Date;
}

export interface Invitation extends InvitationWish {
  /** By which the token is taken back. */
  readonly id: string;
  /** A secret that is meant to be handed out; it is in {@link link} too, and kept nowhere. */
  readonly token: string;
  readonly link: string;
  /** Where the chat is. */
  readonly address: string;
  /** Of the cloud's own authority, in lines for people to compare; undefined where devices know who vouches. */
  readonly fingerprint: readonly string[] | undefined;
  /** Why the link does not lead by way of the welcome page, though it should. */
  readonly trouble: string | undefined;
}

/** @throws ImcloudError `server.refused` where no tokens serve or the server is too old, and what `askServer` throws */
export async function invite(fleet: Fleet, { uses, expiresAt }: InvitationWish): Promise<Invitation> {
  const body = { uses, expires_at: expiresAt.getTime() };
  try {
    const answer = Answer.parse(await askServer(fleet, { method: "POST", path: "/invitations", body }));
    const { id, token, link, address, fingerprint, trouble } = answer;
    return { id, token, link, address, uses, expiresAt, fingerprint, trouble };
  } catch (error) {
    throw error instanceof ImcloudError ? explainRefusal(error) : error;
  }
}

/** The server says what is wrong; what to do about it is known here. Exported for its test. */
export function explainRefusal(error: ImcloudError): ImcloudError {
  const { found = "" } = error.details;
  if (found.startsWith("registration is "))
    return new ImcloudError("server.refused", "the IM server takes no invitations", {
      found,
      expected: "`registration: token`, the default",
      hint: "let `vars: { registration: token }` be applied, or make accounts with `imcloud user add`",
    });
  if (found.includes("no such endpoint"))
    return new ImcloudError("server.refused", "the IM server on the board knows no invitations yet", {
      found: "an older version",
      hint: "bring it up to date: `imcloud apply`",
    });
  return error;
}

/** The page on which a device comes to trust the cloud; undefined where the link leads to the chat itself. */
export function welcomePageOf({ link, address }: Pick<Invitation, "link" | "address">): string | undefined {
  const page = link.replace(/#.*$/, "");
  return page === address ? undefined : page;
}
