/**
 * Registration files of application services: YAML, as bridges and bots write them, read and checked before anything
 * starts.
 *
 * Namespaces are regular expressions that somebody else wrote, asked about ids that anybody may send. So they are RE2's,
 * whose time grows with the id's length alone; what RE2 does not have, such as looking ahead, is refused by name.
 * Source: Matrix Application Service API v1.19, "Registration".
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AppServiceFile } from "../shared/app-service-file.js";
import type { ServerConfig } from "../shared/server-config.js";
import { ConfigError } from "./load-config.js";
import { AppService, type Pattern } from "./service/app-service.js";

/**
 * Reads the registrations that the configuration names, those of its folder by name.
 *
 * @throws ConfigError with everything that is wrong, one problem a line; no token stands in it
 */
export async function loadAppServices({
  appServices,
  serverName,
}: Pick<ServerConfig, "appServices" | "serverName">): Promise<readonly AppService[]> {
  const files = [...appServices.files, ...filesIn(appServices.folder)];
  if (files.length === 0) return [];
  const { parse, RE2JS } = await import("./registration-languages.js");
  const compile = (regex: string) => {
    const compiled = RE2JS.compile(regex);
    return (id: string) => compiled.matcher(id).lookingAt();
  };

  const problems: string[] = [];
  const services: AppService[] = [];
  const owners = new Map<string, string>();
  for (const file of files) {
    const found = read(file, parse);
    if (typeof found === "string") {
      problems.push(found);
      continue;
    }
    for (const [what, value] of [
      ["id", found.id],
      ["as_token", found.as_token],
      ["hs_token", found.hs_token],
    ] as const) {
      // A token that opens two doors is as wrong as one that two have.
      const key = what === "id" ? `id ${value}` : `token ${value}`;
      const other = owners.get(key);
      if (other !== undefined) problems.push(`${file}: ${what}: the same as in ${other}`);
      owners.set(key, file);
    }
    try {
      services.push(toService(found, serverName, compile));
    } catch (error) {
      problems.push(`${file}: ${error instanceof Error ? error.message : "cannot be used"}`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems.join("\n"));
  return services;
}

function filesIn(folder: string | undefined): string[] {
  if (folder === undefined) return [];
  try {
    const names = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
    return names.sort().map((name) => join(folder, name));
  } catch (error) {
    throw new ConfigError(`appServices.folder: ${folder} cannot be read`, { cause: error });
  }
}

/** Whoever asks by the old name reads the old name; some ask by both, and read one. */
function ephemeralNames(file: AppServiceFile): string[] {
  const isOld = file["de.sorunome.msc2409.push_ephemeral"] === true;
  if (file.receive_ephemeral !== true && !isOld) return [];
  return isOld ? ["ephemeral", "de.sorunome.msc2409.ephemeral"] : ["ephemeral"];
}

/** @returns what is wrong with the file, where something is */
function read(file: string, parse: (text: string) => unknown): AppServiceFile | string {
  let value: unknown;
  try {
    value = parse(readFileSync(file, "utf8"));
  } catch (error) {
    // YAML's own messages quote the lines around, in which tokens stand.
    const reason = error instanceof Error && "code" in error ? String(error.code) : "not YAML";
    return `${file}: cannot be read (${reason})`;
  }
  const result = AppServiceFile.safeParse(value);
  if (result.success) return result.data;
  return result.error.issues
    .map(({ path, message }) => `${file}: ${path.join(".") || "the file"}: ${message}`)
    .join("\n");
}

/** @throws Error for a regular expression that is none */
function toService(
  file: AppServiceFile,
  serverName: string,
  compile: (regex: string) => (id: string) => boolean,
): AppService {
  const namespace = (name: "users" | "aliases" | "rooms"): Pattern[] =>
    (file.namespaces?.[name] ?? []).map(({ exclusive, regex }, index) => {
      try {
        return { isExclusive: exclusive, matches: compile(regex) };
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`namespaces.${name}.${index}.regex: ${reason} (RE2's syntax)`, { cause: error });
      }
    });
  return new AppService({
    id: file.id,
    url: file.url === undefined || file.url === "" ? null : (file.url?.replace(/\/+$/, "") ?? null),
    asToken: file.as_token,
    hsToken: file.hs_token,
    sender: `@${file.sender_localpart}:${serverName}`,
    namespaces: { users: namespace("users"), aliases: namespace("aliases"), rooms: namespace("rooms") },
    isRateLimited: file.rate_limited ?? true,
    protocols: file.protocols ?? [],
    ephemeralNames: ephemeralNames(file),
  });
}
