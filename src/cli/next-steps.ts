/** The page that `imcloud init` ends with. */
import { welcomePageOf, type Invitation } from "../fleet/invitations.js";
import type { NewCloud } from "../fleet/new-cloud.js";
import { termInWords } from "./invite.js";
import type { Terminal } from "./terminal.js";

export interface NextSteps {
  readonly userId: string;
  /** Where clients find the server. */
  readonly address: string;
  readonly cloud: NewCloud;
  /** For the next person; undefined when none could be made. */
  readonly invitation: Invitation | undefined;
}

export function renderNextSteps(
  { userId, address, cloud, invitation }: NextSteps,
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
    paint.bold("Open the chat, on each of your devices"),
    ...trust(invitation, paint),
    `  2. Open ${paint.cyan(address)}, or sign in there with Element or any other Matrix client.`,
    "",
    ...(invitation === undefined
      ? []
      : [
          paint.bold("Invite the next person"),
          `  ${paint.cyan(invitation.link)}`,
          `  Good for ${termInWords(invitation)}; \`imcloud invite\` makes more, with a QR code.`,
          "",
        ]),
    paint.bold("Then"),
    "  imcloud health                 how the board is",
    "  imcloud invite                 more people",
    "  imcloud plan, imcloud apply    after each change of imcloud.yaml",
    "",
    "  Keep a copy of imcloud.yaml, imcloud.secrets.yaml and .imcloud/authority in a safe place.",
  ].join("\n");
}

/** How a device comes to trust the cloud: by its own page, else by the file that is here. */
function trust(invitation: Invitation | undefined, paint: Pick<Terminal["paint"], "cyan">): string[] {
  const page = invitation === undefined ? undefined : welcomePageOf(invitation);
  if (page === undefined)
    return [
      "  1. Let the device trust the cloud: install .imcloud/authority/ca.pem as a certificate authority.",
      "     It vouches for this cloud's names and private addresses, and for nothing else.",
    ];
  const [first = "", ...more] = invitation?.fingerprint ?? [];
  return [
    `  1. Open ${paint.cyan(page)}, which shows how the device comes to trust the cloud.`,
    `     The certificate's fingerprint has to be  ${first}`,
    ...more.map((line) => `${" ".repeat(46)}${line}`),
  ];
}
