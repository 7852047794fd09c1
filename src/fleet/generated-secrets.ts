/**
 * Secrets that only machines ever type: made when a playbook needs them and nobody has given them, and kept
 * in the secrets file.
 */
import { join } from "node:path";
import type { BoardConfig, Config } from "../config/load.js";
import { addSecrets, generateSecret, loadSecrets, type Secrets } from "../config/secrets.js";
import { ImcloudError } from "../shared/errors.js";
import { readOptional } from "../files/operator-files.js";
import { type Workspace } from "./workspace.js";

/** Which playbook needs which. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  rabbitmq: ["amqp_password"],
  imserver: ["amqp_password", "registration_token", "probe_password"],
};

/** What a TURN server of the cloud's own and the IM server share, where a board has one. */
export const TURN_SECRET = "turn_secret";
/** The playbook of that TURN server. */
export const CALLS = "calls";

/** What brokers that are one cluster ask each other for, and the IM server. */
export const CLUSTER_SECRETS = ["kafka_password", "kafka_client_password"] as const;

export const GENERATED = [...new Set(Object.values(NEEDED).flat())];

export interface Making {
  readonly workspace: Workspace;
  /** A cloud that comes into being now: of course nothing is there yet. */
  readonly isNew: boolean;
  /** Called with the names of secrets that had to be made, and their file. */
  readonly made: (names: readonly string[], file: string) => void;
}

/**
 * All secrets that the boards' playbooks need.
 *
 * @throws ImcloudError `config.secret-missing` in a CI job, which would make others tomorrow
 */
export async function completeSecrets(
  config: Config,
  boards: readonly BoardConfig[],
  making: Making,
): Promise<Secrets> {
  const secrets = await loadSecrets(config);
  const needed = new Set([
    ...boards.flatMap(({ playbooks }) => playbooks.flatMap((name) => NEEDED[name] ?? [])),
    ...(config.kafka.cluster === undefined ? [] : CLUSTER_SECRETS),
    ...(config.boards.some(({ playbooks }) => playbooks.includes(CALLS)) ? [TURN_SECRET] : []),
  ]);
  const missing = [...needed].filter((name) => secrets.get(name) === undefined);
  const needsAuthority = boards.some(({ playbooks }) => playbooks.includes("imserver"));
  if (!making.isNew && forgets()) await refuseMaking(missing, needsAuthority, making.workspace);
  if (missing.length === 0) return secrets;
  await addSecrets(config.secretsFile, new Map(missing.map((name) => [name, generateSecret()])));
  making.made(missing, config.secretsFile);
  return loadSecrets(config);
}

/** Whether what is made here is gone when the command has ended. */
function forgets({ CI, IMCLOUD_EPHEMERAL } = process.env): boolean {
  const isSet = (value: string | undefined): boolean =>
    value !== undefined && !["", "0", "false"].includes(value);
  return isSet(CI) && !isSet(IMCLOUD_EPHEMERAL);
}

async function refuseMaking(
  missing: readonly string[],
  needsAuthority: boolean,
  { authority }: Workspace,
): Promise<void> {
  const lacks = [
    ...missing.map((name) => `IMCLOUD_SECRET_${name.toUpperCase()}`),
    ...(needsAuthority && (await readOptional(join(authority, "ca.key"))) === undefined
      ? [".imcloud/authority"]
      : []),
  ];
  if (lacks.length === 0) return;
  throw new ImcloudError(
    "config.secret-missing",
    "a CI job keeps no files: what it makes now, the next one would make anew",
    {
      expected: lacks.join(", "),
      hint: "give them to the job as docs/ci.md says, or set IMCLOUD_EPHEMERAL=1 for a cloud that is thrown away",
    },
  );
}
