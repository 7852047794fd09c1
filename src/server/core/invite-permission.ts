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

/** In the order in which they count. */
const LISTS = [
  ["allow", "allowed_users", "allowed_servers"],
  ["ignore", "ignored_users", "ignored_servers"],
  ["block", "blocked_users", "blocked_servers"],
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
  for (const [verdict, users, servers] of LISTS)
    if (names(users, sender) || names(servers, serverOf(sender))) return verdict;
  return "allow";
}
