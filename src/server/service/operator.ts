/**
 * The operator: whoever may read the server's own files administers it, with a token that each start makes anew.
 *
 * So `imcloud user`, `room`, `media` and `token` need no account and no password, and what they read is worth nothing
 * to whoever finds it after the next start.
 */
import { timingSafeEqual } from "node:crypto";
import { renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ServerConfig } from "../../shared/server-config.js";
import { newToken } from "../core/ids.js";
import type { Log } from "../runtime/log.js";
import { diskTroubleOf } from "../store/disk-trouble.js";
import { hashToken } from "./sessions.js";

/** @returns the file that holds the operator's token, or undefined where there is none */
export function operatorTokenPath({
  admin,
  store,
}: Pick<ServerConfig, "admin" | "store">): string | undefined {
  return admin.tokenPath ?? (store.kind === "sqlite" ? join(dirname(store.path), "admin.token") : undefined);
}

export class Operator {
  readonly #hash: Buffer;

  /**
   * Writes the token's file, for its owner alone. On a full or read-only disk there is no operator, and people can
   * read all the same.
   *
   * @throws Error when it cannot be written for another reason
   */
  constructor(config: Pick<ServerConfig, "admin" | "store">, log: Log) {
    const token = newToken("imd");
    this.#hash = Buffer.from(hashToken(token));
    const path = operatorTokenPath(config);
    if (path === undefined) return;
    try {
      writeFileSync(`${path}.new`, `${token}\n`, { mode: 0o600 });
      renameSync(`${path}.new`, path);
    } catch (error) {
      if (diskTroubleOf(error) === undefined) throw error;
      log.error("there is no operator until the next start: the token's file cannot be written", { error });
    }
  }

  /** In a time that tells nothing of the token. */
  isToken(given: string): boolean {
    return timingSafeEqual(this.#hash, Buffer.from(hashToken(given)));
  }
}
