/** Accounts of the cloud, made on a board that runs the IM server. */
import { Secret } from "../shared/secret.js";
import { askServer } from "./ask-server.js";
import type { Fleet } from "./fleet.js";

export interface NewUser {
  /** The part of the user id before the colon. */
  readonly name: string;
  readonly password: Secret;
  readonly isAdmin: boolean;
}

export interface MadeUser {
  readonly userId: string;
  readonly outcome: "created" | "changed" | "unchanged";
}

/** @throws ImcloudError as {@link askServer}: `server.refused` for a name or password that the server does not take */
export async function addUser(fleet: Fleet, { name, password, isAdmin }: NewUser): Promise<MadeUser> {
  const answer = await askServer(fleet, {
    method: "PUT",
    path: `/users/${encodeURIComponent(name)}`,
    body: new Secret(JSON.stringify({ password: password.reveal(), admin: isAdmin })),
  });
  return { userId: String(answer["user_id"]), outcome: answer["outcome"] as MadeUser["outcome"] };
}
