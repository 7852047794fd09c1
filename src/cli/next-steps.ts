/** The page that `imcloud init` ends with. */
import type { NewCloud } from "../fleet/new-cloud.js";
import type { Terminal } from "./terminal.js";

export interface NextSteps {
  readonly userId: string;
  /** Where clients find the server. */
  readonly address: string;
  readonly cloud: NewCloud;
}

export function renderNextSteps(
  { userId, address, cloud }: NextSteps,
  paint: Pick<Terminal["paint"], "bold" | "cyan">,
): string {
  const row = (name: string, value: string): string => `  ${name.padEnd(12)} ${paint.cyan(value)}`;
  return [
    "",
    paint.bold(`The cloud \`${cloud.name}\` is up.`),
    "",
    row("Address", address),
    row("Account", userId),
    row("Password", "imcloud.secrets.yaml, admin_password"),
    "",
    paint.bold("Open a client"),
    "  1. Let your device trust the cloud: install .imcloud/authority/ca.pem as a certificate authority.",
    "     It vouches for this cloud's names and private addresses, and for nothing else.",
    `  2. In Element or any other Matrix client, sign in with the home server ${paint.cyan(address)}`,
    "",
    paint.bold("Then"),
    "  imcloud health                 how the board is",
    "  imcloud user add NAME          more people",
    "  imcloud plan, imcloud apply    after each change of imcloud.yaml",
    "",
    "  Keep a copy of imcloud.yaml, imcloud.secrets.yaml and .imcloud/authority in a safe place.",
  ].join("\n");
}
