/**
 * Secrets that only machines ever type: made when a playbook needs them and nobody has given them, and kept
 * in the secrets file.
 */
import type { BoardConfig, Config } from "../config/load.js";
import { addSecrets, generateSecret, loadSecrets, type Secrets } from "../config/secrets.js";

/** Which playbook needs which. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  rabbitmq: ["amqp_password"],
  imserver: ["amqp_password", "registration_token", "probe_password"],
};

export const GENERATED = [...new Set(Object.values(NEEDED).flat())];

/** @param made called with the names of secrets that had to be made */
export async function completeSecrets(
  config: Config,
  boards: readonly BoardConfig[],
  made: (names: readonly string[], file: string) => void,
): Promise<Secrets> {
  const secrets = await loadSecrets(config);
  const needed = new Set(boards.flatMap(({ playbooks }) => playbooks.flatMap((name) => NEEDED[name] ?? [])));
  const missing = [...needed].filter((name) => secrets.get(name) === undefined);
  if (missing.length === 0) return secrets;
  await addSecrets(config.secretsFile, new Map(missing.map((name) => [name, generateSecret()])));
  made(missing, config.secretsFile);
  return loadSecrets(config);
}
