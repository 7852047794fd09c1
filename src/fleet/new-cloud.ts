/**
 * The files of a new cloud: `imcloud.yaml`, the secrets file, and a line in `.gitignore`.
 */
import { appendFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { defaultPlaybooks } from "../config/load.js";
import type { Broker } from "../config/schema.js";
import { addSecrets } from "../config/secrets.js";
import { ImcloudError } from "../shared/errors.js";
import type { Secret } from "../shared/secret.js";
import { readOptional } from "../files/operator-files.js";

export interface NewCloud {
  readonly name: string;
  readonly serverName: string;
  readonly broker: Broker;
  /** Boards have no internet: packages come from a kit. */
  readonly isOffline?: boolean;
  readonly board: NewBoard;
}

export interface NewBoard {
  readonly name: string;
  readonly transport: "ssh" | "local";
  readonly address: string;
  readonly port?: number;
  readonly user?: string;
  readonly identityFile?: string;
  readonly hostKey?: string;
  /** For a board whose card is still to be written. */
  readonly firstBoot?: {
    readonly user: string;
    readonly wifi?: { readonly ssid: string; readonly country: string };
  };
}

const SECRETS_FILE = "imcloud.secrets.yaml";

/** @throws ImcloudError `cli.usage` where there is a cloud already */
export async function refuseExisting(file: string): Promise<void> {
  const isThere = await stat(file).then(
    () => true,
    () => false,
  );
  if (!isThere) return;
  throw new ImcloudError("cli.usage", `there is a cloud here already: \`${file}\``, {
    hint: "change that file and run `imcloud apply`, or start in an empty folder",
  });
}

/** Everything but the authority, which comes into being with the first certificate. */
export async function writeCloud(
  folder: string,
  file: string,
  cloud: NewCloud,
  secrets: ReadonlyMap<string, Secret>,
): Promise<void> {
  await writeFile(file, renderCloud(cloud), { flag: "wx" });
  await addSecrets(join(folder, SECRETS_FILE), secrets);
  await ignore(join(folder, ".gitignore"), [SECRETS_FILE, ".imcloud/"]);
}

/** Writes `imcloud.yaml` once more: what `init` has made, and found out since. */
export async function rewriteCloud(file: string, cloud: NewCloud): Promise<void> {
  await writeFile(file, renderCloud(cloud));
}

/** Pure. Comments say what people ask first. */
export function renderCloud({ name, serverName, broker, isOffline = false, board }: NewCloud): string {
  const { name: boardName, transport, address, port, user, identityFile, hostKey, firstBoot } = board;
  const settings = {
    ...(transport === "local" ? { transport } : { address }),
    ...(port !== undefined && port !== 22 && { port }),
    ...(user !== undefined && { user }),
    ...(identityFile !== undefined && { identityFile }),
    ...(hostKey !== undefined && { hostKey }),
    ...(firstBoot !== undefined && { firstBoot }),
  };
  // A name may be all digits, or a word such as `null`: in quotes then.
  const block = (value: object | string): string => stringify(value, { lineWidth: 0 }).trimEnd();
  // Not `^` with the flag m: to it U+2028 within a quoted value begins a line too.
  const indented = (text: string): string => text.replaceAll(/^|(?<=\n)/g, "    ");
  return `# The cloud, as it should be. \`imcloud plan\` shows what differs, \`imcloud apply\` changes it.
# All settings: docs/configuration.md; for completion in editors: \`imcloud schema\`.
version: 1

cloud:
  name: ${block(name)}
  # Part of every user and room id; it can never change.
  serverName: ${block(serverName)}
  broker: ${broker}
${isOffline ? offline(broker) : ""}
boards:
  ${block(boardName)}:
${indented(block(settings))}
`;
}

const offline = (broker: Broker): string => `
# Packages come from a kit, as the boards have no internet: docs/kit.md.
playbooks: [${["offline", ...defaultPlaybooks(broker)].join(", ")}]
`;

/** Adds what is missing; a file that others wrote stays theirs. */
async function ignore(file: string, entries: readonly string[]): Promise<void> {
  const before = (await readOptional(file)) ?? "";
  const missing = entries.filter((entry) => !before.split("\n").includes(entry));
  if (missing.length === 0) return;
  await appendFile(file, `${before === "" || before.endsWith("\n") ? "" : "\n"}${missing.join("\n")}\n`);
}

/** A name for a cloud or board out of any words: lower-case letters, digits, hyphens. */
export function nameFrom(words: string, otherwise: string): string {
  const name = words
    .toLowerCase()
    .normalize("NFKD")
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 40)
    .replace(/-+$/, "");
  return name === "" ? otherwise : name;
}
