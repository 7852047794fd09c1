/** The shipped playbooks, resolved for the facts of a release with everything that could differ held fixed. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseFacts, type Facts } from "../../../src/board/facts.js";
import type { Item } from "../../../src/engine/types.js";
import { resolvePlaybooks } from "../../../src/playbook/resolve.js";
import { Secret } from "../../../src/shared/secret.js";

const FOLDER = join(import.meta.dirname, "..", "board", "facts");
export const FACTS_FILES: readonly string[] = readdirSync(FOLDER);
/** @param more further lines, as if the board had printed them too */
export const factsOf = (name: string, more = ""): Facts =>
  parseFacts(`${readFileSync(join(FOLDER, name), "utf8")}${more}`);

export const SHIPPED = ["base", "tuning", "card", "ssd", "rabbitmq", "imserver", "qos", "hardening"] as const;
const SECRETS = ["amqp_password", "registration_token", "probe_password", "tls_key"];
const source = { path: "/dev/null", sha256: "0".repeat(64), sizeBytes: 0 };

export const resolveShipped = (
  facts: Facts,
  playbooks: readonly string[],
  vars: Readonly<Record<string, unknown>> = {},
): Promise<readonly Item[]> =>
  resolvePlaybooks({
    playbooks,
    folder: "/nonexistent",
    facts,
    board: { name: "pi-1" },
    cloud: {
      broker: "rabbitmq",
      serverName: "home.home.arpa",
      baseUrl: "https://pi-1:8448",
      certificate: "PEM\n",
    },
    vars,
    secrets: new Map(SECRETS.map((name) => [name, new Secret(`canary-${name}`)])),
    artifacts: { bun: source, server: source },
  });
