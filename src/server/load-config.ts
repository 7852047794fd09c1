/**
 * The configuration file: read, checked, and every secret's file looked at, before anything starts.
 */
import { accessSync, constants, readFileSync } from "node:fs";
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
  return result.data;
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
