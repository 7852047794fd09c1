import { InvalidArgumentError, Option, type Command } from "commander";
import type { Invitation } from "../fleet/invitations.js";
import { ExitCode } from "../shared/exit-code.js";
import { addFleetOptions, openFleetFor, type FleetFlags } from "./fleet-options.js";
import type { Context } from "./program.js";
import { moment, wholeNumber } from "./server-verb.js";
import type { Terminal } from "./terminal.js";

const HOUR_MS = 60 * 60 * 1000;
const SPANS: Readonly<Record<string, number>> = { h: HOUR_MS, d: 24 * HOUR_MS, w: 7 * 24 * HOUR_MS };
/** Of an invitation, unless it is said otherwise. */
export const DAYS = 7;

export interface InviteOptions extends FleetFlags {
  readonly uses?: number;
  readonly expires?: Date;
  readonly qr: boolean;
}

export function addInviteCommand(program: Command, context: Context): void {
  addFleetOptions(
    program
      .command("invite")
      .summary("a link by which somebody makes an account")
      .description(
        "Make an invitation: a link, and a QR code of it, by which people make their own accounts.\n" +
          "With the cloud's own authority it leads by way of a page that shows how a device comes to trust the cloud;\n" +
          "the fingerprint is what people compare there. Whoever has the link can use it; it is shown this once.",
      ),
  )
    .addOption(new Option("--uses <count>", "how many accounts it makes (default: 1)").argParser(wholeNumber))
    .addOption(
      new Option("--expires <time>", `when it ends: 12h, 7d, 2w or a date (default: ${DAYS}d)`).argParser(
        expiry,
      ),
    )
    .addOption(new Option("--no-qr", "without the QR code"))
    .option("--json", "write the invitation to stdout as one JSON document")
    .addHelpText(
      "after",
      "\nExamples:\n  imcloud invite\n  imcloud invite --uses 30 --expires 2w\n  imcloud invite --uses 5 --expires 2026-12-24 --json",
    )
    .action(async (options: InviteOptions) => {
      process.exitCode = await runInvite(options, context);
    });
}

async function runInvite(
  { uses = 1, expires, qr, ...flags }: InviteOptions,
  context: Context,
): Promise<ExitCode> {
  const terminal = await context.terminal();
  const fleet = await openFleetFor(flags, context, terminal);
  const { invite } = await import("../fleet/invitations.js");
  const invitation = await invite(fleet, { uses, expiresAt: expires ?? inDays(DAYS) });
  if (terminal.json) {
    terminal.data(JSON.stringify({ version: 1, ...documentOf(invitation) }, null, 2));
    return ExitCode.Ok;
  }
  const code = qr ? await codeFor(invitation.link, terminal) : [];
  terminal.data(renderInvitation(invitation, code, terminal.dataPaint));
  if (invitation.trouble !== undefined)
    terminal.note(`the link leads past the welcome page: ${invitation.trouble}; see \`imcloud health\``);
  terminal.note(`to take it back: \`imcloud token revoke ${invitation.id}\``);
  return ExitCode.Ok;
}

/** As docs/json.md has it. */
export function documentOf({ expiresAt, fingerprint, trouble, ...rest }: Invitation): object {
  return {
    ...rest,
    expiresAt: expiresAt.toISOString(),
    ...(fingerprint !== undefined && { fingerprint: fingerprint.join(" ") }),
    ...(trouble !== undefined && { trouble }),
  };
}

export function renderInvitation(
  { link, fingerprint, ...term }: Invitation,
  code: readonly string[],
  paint: Pick<Terminal["paint"], "bold" | "cyan">,
): string {
  return [
    paint.cyan(link),
    ...(code.length === 0 ? [] : ["", ...code]),
    ...(fingerprint === undefined
      ? []
      : [
          "",
          "What the device has to show, once it has the certificate (SHA-256):",
          ...fingerprint.map((line) => `  ${paint.bold(line)}`),
        ]),
    "",
    `Good for ${termInWords(term)}.`,
  ].join("\n");
}

/** @example termInWords({ uses: 1, expiresAt }) // "one account, until 2026-12-07 18:00 UTC" */
export function termInWords({ uses, expiresAt }: Pick<Invitation, "uses" | "expiresAt">): string {
  const accounts = uses === 1 ? "one account" : `${uses} accounts`;
  return `${accounts}, until ${expiresAt.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** @returns the code in lines; none, and a word why, where it could not be read */
async function codeFor(link: string, terminal: Terminal): Promise<readonly string[]> {
  if (terminal.dataColours === "none") {
    terminal.note("no QR code: stdout is no terminal with colours");
    return [];
  }
  const { terminalCodeOf } = await import("./terminal-code.js");
  const { lines, width } = terminalCodeOf(link, terminal.dataColours);
  if (width <= terminal.width) return lines;
  terminal.note(`no QR code: it takes ${width} columns, and the terminal has ${terminal.width}`);
  return [];
}

export const inDays = (days: number): Date => new Date(Date.now() + days * (SPANS["d"] ?? 0));

/** From now on, or a date. */
export function expiry(word: string): Date {
  const [, count, unit = ""] = /^([1-9]\d{0,4})([hdw])$/.exec(word) ?? [];
  const span = SPANS[unit];
  const date = new Date(span === undefined ? moment(word) : Date.now() + Number(count) * span);
  if (date.getTime() > Date.now()) return date;
  throw new InvalidArgumentError("It must be a time to come.");
}
