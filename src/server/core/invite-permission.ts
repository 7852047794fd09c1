/**
 * Whose invites somebody takes.
 *
 * Sources: Matrix client-server API v1.19, "Invite permission", which knows all or nothing; MSC4155, which tells
 * people and servers apart.
 */
import { matchesWhole } from "./glob.js";
import { serverOf } from "./ids.js";
import { itemsOf, type JsonObject } from "./json.js";

/** Who is ignored does not learn of it; who is blocked does. */
export type InviteVerdict = "allow" | "ignore" | "block";

const LISTS = [
  ["allow", "allowed"],
  ["ignore", "ignored"],
  ["block", "blocked"],
] as const;

/**
 * @param permission content of `m.invite_permission_config`
 * @param filters content of MSC4155's form of it
 */
export function judgeInvite(
  permission: JsonObject | undefined,
  filters: JsonObject | undefined,
  sender: string,
): InviteVerdict {
  if (permission?.["default_action"] === "block") return "block";
  const names = (key: string, name: string) =>
    itemsOf(filters?.[key]).some((glob) => typeof glob === "string" && matchesWhole(glob, name));
  // What is said of a user counts before what is said of the user's server.
  const byUser = LISTS.find(([, list]) => names(`${list}_users`, sender));
  const found = byUser ?? LISTS.find(([, list]) => names(`${list}_servers`, serverOf(sender)));
  return found?.[0] ?? "allow";
}
