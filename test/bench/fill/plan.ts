/**
 * What a database is filled with, and what has come of it.
 */
import type { ServerConfigInput } from "../../../src/shared/server-config.js";

export interface FillPlan {
  readonly config: ServerConfigInput;
  /** Local parts; all have the same password, hashed once as the configuration says. */
  readonly users: readonly string[];
  readonly password: string;
  /** The first member makes the room, and everybody in turn says something. */
  readonly rooms: readonly { readonly members: readonly string[]; readonly messages: number }[];
}

export interface Filled {
  /** In the plan's order. */
  readonly roomIds: readonly string[];
  /** All that the database holds. */
  readonly events: number;
}
