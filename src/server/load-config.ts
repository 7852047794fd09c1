/**
 * The configuration file: read, checked, and every secret's file looked at, before anything starts.
 */
import { accessSync, constants, readFileSync } from "node:fs";
import { readAuthorityCertificate } from "../shared/authority-certificate.js";
import { ServerConfig } from "../shared/server-config.js";

/** The configuration cannot be used; the message is for the operator, one problem a line. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** @throws ConfigError with everything that is wrong */
export function loadConfig(path: string): ServerConfig {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new ConfigError(`${path}: ${error instanceof Error ? error.message : "cannot be read"}`, {
      cause: error,
    });
  }
  const result = ServerConfig.safeParse(value);
  if (!result.success) {
    throw new ConfigError(
      result.error.issues
        .map((issue) => `${path}: ${issue.path.join(".") || "the file"}: ${issue.message}`)
        .join("\n"),
    );
  }
  assertReadable(path, result.data);
  assertAuthority(path, result.data);
  return result.data;
}

/** What is handed out to be trusted has to be what it should be. */
function assertAuthority(path: string, { welcome }: ServerConfig): void {
  if (welcome === undefined) return;
  try {
    readAuthorityCertificate(readFileSync(welcome.authorityFile, "utf8"));
  } catch (error) {
    const why = error instanceof Error ? error.message : "cannot be read";
    throw new ConfigError(`${path}: welcome.authorityFile: ${welcome.authorityFile}: ${why}`, {
      cause: error,
    });
  }
}

function assertReadable(path: string, value: unknown, key = ""): void {
  if (typeof value === "object" && value !== null) {
    for (const [name, inner] of Object.entries(value))
      assertReadable(path, inner, key === "" ? name : `${key}.${name}`);
  } else if (typeof value === "string" && key.endsWith("File")) {
    try {
      accessSync(value, constants.R_OK);
    } catch (error) {
      throw new ConfigError(`${path}: ${key}: ${value} cannot be read`, { cause: error });
    }
  }
}
