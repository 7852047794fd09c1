/**
 * `admin METHOD PATH`: asks the running server, as its operator. The body comes on standard input, as it may hold a
 * password; the answer goes to standard output. docs/admin-api.md
 */
import { text } from "node:stream/consumers";
import { isLoopback, type ServerConfig } from "../../shared/server-config.js";
import { ConfigError } from "../load-config.js";
import { readSecretFile } from "../runtime/secret-file.js";
import { operatorTokenPath } from "../service/operator.js";
import { baseUrlOf } from "./base-url.js";
import { UsageError } from "./usage.js";

const PREFIX = "/_imcloud/admin/v1";
const METHODS = ["GET", "POST", "PUT", "DELETE"];
/** A room of a million messages is not purged in less. */
const DEADLINE_MS = 15 * 60_000;

/** @returns 0 done; 1 refused, with the error's code and text on standard error */
export async function runAdminCommand(words: readonly string[], config: ServerConfig): Promise<number> {
  const [method = "", path = "", ...more] = words;
  if (!METHODS.includes(method) || !path.startsWith("/") || more.length > 0)
    throw new UsageError("admin GET|POST|PUT|DELETE /PATH");
  const hasBody = method === "POST" || method === "PUT";
  const given = hasBody ? (await text(process.stdin)).trim() : "";
  // By the loopback if there is one: no certificate has to be known there.
  const listener =
    config.listeners.find(({ address, tls }) => isLoopback(address) && tls === undefined) ??
    config.listeners[0];
  if (listener === undefined) throw new ConfigError("there is no listener");
  const response = await fetch(
    `${baseUrlOf(listener)}${path.startsWith("/_matrix/") ? path : PREFIX + path}`,
    {
      method,
      headers: { authorization: `Bearer ${readSecretFile(tokenPath(config))}` },
      ...(hasBody && { body: given === "" ? "{}" : given }),
      signal: AbortSignal.timeout(DEADLINE_MS),
    },
  );
  const answer = (await response.json()) as { errcode?: string; error?: string };
  if (!response.ok) {
    process.stderr.write(`${answer.errcode ?? response.status}: ${answer.error ?? ""}\n`);
    return 1;
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
  return 0;
}

function tokenPath(config: ServerConfig): string {
  const path = operatorTokenPath(config);
  if (path === undefined) throw new ConfigError("`admin.tokenPath` is needed with PostgreSQL");
  return path;
}
