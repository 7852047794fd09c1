/**
 * Secrets: from the environment, from a program such as `pass`, or from the secrets file. Each becomes a
 * {@link Secret} where it is read; nothing here ever holds one as text for longer than it takes.
 *
 * `IMCLOUD_SECRET_<NAME>` wins over `secrets:` in imcloud.yaml, which wins over the secrets file.
 */
import { randomBytes } from "node:crypto";
import { open, readFile, rename, stat } from "node:fs/promises";
import type { ExecaError as Failure } from "execa";
import { parseDocument } from "yaml";
import { ImcloudError } from "../shared/errors.js";
import { Secret } from "../shared/secret.js";
import { check } from "./explain.js";
import type { Config } from "./load.js";
import { SecretsFile, type SecretSource } from "./schema.js";
import { readYaml } from "./yaml-file.js";

export interface Secrets {
  get(name: string): Secret | undefined;
  /** @throws ImcloudError `config.secret-missing` */
  require(name: string): Secret;
  all(): Iterable<readonly [name: string, secret: Secret]>;
}

type SecretPlaces = Pick<Config, "secretsFile" | "secretSources">;
type Environment = Readonly<Record<string, string | undefined>>;

/** A program may ask a person for a passphrase of its own. */
const COMMAND_TIMEOUT_MS = 120_000;

/**
 * Reads all secrets that there are. A missing file is no error: everything may come from elsewhere.
 *
 * @throws ImcloudError `config.invalid` if others may read the file, `config.secret-missing` if a source fails
 */
export async function loadSecrets(
  config: SecretPlaces,
  environment: Environment = process.env,
): Promise<Secrets> {
  const sources = { ...(await readSecretsFile(config.secretsFile)), ...config.secretSources };
  const secrets = new Map<string, Secret>();
  for (const [name, value] of Object.entries(environment)) {
    const secretName = /^IMCLOUD_SECRET_([A-Z0-9_]+)$/.exec(name)?.[1]?.toLowerCase();
    // A job's variable of which its CI system knows no value is there, and empty.
    if (secretName !== undefined && value !== undefined && value !== "")
      secrets.set(secretName, new Secret(value));
  }
  for (const [name, source] of Object.entries(sources)) {
    if (!secrets.has(name))
      secrets.set(name, source instanceof Secret ? source : await fetchSecret(name, source, environment));
  }
  return {
    get: (name) => secrets.get(name),
    all: () => secrets.entries(),
    require(name) {
      const secret = secrets.get(name);
      if (secret !== undefined) return secret;
      throw new ImcloudError("config.secret-missing", `the secret \`${name}\` is needed and not to be had`, {
        expected: `IMCLOUD_SECRET_${name.toUpperCase()}, \`secrets.${name}\` in imcloud.yaml, or \`${name}\` in ${config.secretsFile}`,
        hint: `put \`${name}: VALUE\` into ${config.secretsFile}`,
      });
    },
  };
}

/** What is only guessed by machines: 24 bytes as 32 characters without any that a shell, URL or YAML minds. */
export function generateSecret(): Secret {
  return new Secret(randomBytes(24).toString("base64url"));
}

/**
 * Adds secrets to the file, keeping what is there, comments included. Written beside and renamed, so that a
 * crash leaves the old file or the new one.
 */
export async function addSecrets(file: string, added: ReadonlyMap<string, Secret>): Promise<void> {
  const before = await readFile(file, "utf8").catch((error: unknown) => {
    if (isMissing(error)) return "# Secrets of this cloud. Keep a copy in a safe place; never commit it.\n";
    throw error;
  });
  if (before.trim() !== "") await refuseLooseMode(file);
  const document = parseDocument(before);
  for (const [name, secret] of added) document.set(name, secret.reveal());

  const part = `${file}.part`;
  const handle = await open(part, "w", 0o600);
  try {
    await handle.chmod(0o600);
    await handle.writeFile(document.toString());
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(part, file);
}

async function readSecretsFile(file: string): Promise<Record<string, Secret | SecretSource>> {
  if (!(await refuseLooseMode(file))) return {};
  const yaml = await readYaml(file, "run `imcloud init`", "kinds-only");
  if (yaml.value === null) return {};
  const values = check(SecretsFile, yaml, "kinds-only");
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === "string" ? new Secret(value) : value,
    ]),
  );
}

/** @returns whether the file is there */
async function refuseLooseMode(file: string): Promise<boolean> {
  const found = await stat(file).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (found === undefined) return false;
  // Windows has no such bits; its home folders are private by their access lists.
  if (process.platform !== "win32" && (found.mode & 0o077) !== 0) {
    throw new ImcloudError("config.invalid", `others on this machine may read \`${file}\``, {
      origin: { file, line: 1 },
      found: `mode ${(found.mode & 0o777).toString(8).padStart(4, "0")}`,
      expected: "mode 0600",
      hint: `run \`chmod 600 ${file}\`, and change secrets that others may have seen`,
    });
  }
  return true;
}

async function fetchSecret(name: string, source: SecretSource, environment: Environment): Promise<Secret> {
  if ("env" in source) {
    const value = environment[source.env];
    if (value !== undefined && value !== "") return new Secret(value);
    throw missing(
      name,
      `environment variable ${source.env} is ${value === undefined ? "not set" : "empty"}`,
      `set ${source.env}`,
    );
  }
  const [program = "", ...rest] = source.command;
  const { execa, ExecaError } = await import("execa");
  try {
    // Its prompts go to the terminal; only its output is taken.
    const { stdout } = await execa(program, rest, {
      stdin: "inherit",
      stderr: "inherit",
      timeout: COMMAND_TIMEOUT_MS,
    });
    const first = stdout.split(/\r?\n/)[0] ?? "";
    if (first === "")
      throw missing(
        name,
        `\`${program}\` printed nothing`,
        `see what \`${program}\` prints when you run it yourself`,
      );
    return new Secret(first);
  } catch (error) {
    // The library's own message holds the output, which may be the secret.
    if (error instanceof ExecaError)
      throw missing(
        name,
        howEnded(program, error as Ending),
        `see whether \`${program}\` runs in this shell`,
      );
    throw error;
  }
}

type Ending = Pick<Failure, "code" | "exitCode" | "timedOut">;

function howEnded(program: string, { code, exitCode, timedOut }: Ending): string {
  if (timedOut) return `\`${program}\` gave no answer in ${COMMAND_TIMEOUT_MS / 1000} s`;
  return exitCode === undefined
    ? `\`${program}\` could not be started (${code ?? "unknown reason"})`
    : `\`${program}\` ended with exit code ${exitCode}`;
}

function missing(name: string, found: string, hint: string): ImcloudError {
  return new ImcloudError("config.secret-missing", `the secret \`${name}\` is not to be had`, {
    found,
    hint,
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
