import { Option, type Command } from "commander";
import { hostKeyChanged } from "../board/host-key.js";
import { ImcloudError } from "../shared/errors.js";
import { ExitCode } from "../shared/exit-code.js";
import { openFleetFor } from "./fleet-options.js";
import type { Context } from "./program.js";
import { codeOf, noteErrors } from "./report-boards.js";

export interface TrustOptions {
  readonly hostKey?: string;
  readonly yes?: boolean;
}

export function addTrustCommand(program: Command, context: Context): void {
  program
    .command("trust <selector...>")
    .summary("record the host keys that boards present now")
    .description(
      "Ask each board for its host key, show the fingerprint, and record it in .imcloud/known_hosts after you agree.\n" +
        "On the board `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints the same fingerprint.",
    )
    .addOption(
      new Option("--host-key <fingerprint>", "agree to this key only, without being asked").env(
        "IMCLOUD_HOST_KEY",
      ),
    )
    .addOption(new Option("-y, --yes", "agree to whatever key comes").env("IMCLOUD_YES"))
    .addHelpText("after", "\nExample:\n  imcloud trust attic")
    .action(async (selectors: readonly string[], options: TrustOptions) => {
      process.exitCode = await runTrust(selectors, options, context);
    });
}

export async function runTrust(
  selectors: readonly string[],
  options: TrustOptions,
  context: Context,
): Promise<ExitCode> {
  const terminal = await context.terminal();
  const fleet = await openFleetFor({ on: selectors }, context, terminal);
  const { presentedKeys, trustKey } = await import("../fleet/trust.js");
  const outcomes = await presentedKeys(fleet);
  for (const outcome of outcomes) {
    if (!outcome.ok) continue;
    const { target, key, fingerprint } = outcome.value;
    terminal.note(`${outcome.board.name} at ${target.address} presents ${key.type} ${fingerprint}`);
    // A record would change nothing: what imcloud.yaml pins wins.
    if (target.pinnedHostKeys.length > 0 && !target.pinnedHostKeys.includes(fingerprint))
      throw hostKeyChanged(target, fingerprint, target.pinnedHostKeys.join(", "));
    if (options.hostKey !== undefined && options.hostKey !== fingerprint) {
      throw new ImcloudError(
        "board.host-key-changed",
        `\`${outcome.board.name}\` presents another host key than the one you named`,
        {
          found: fingerprint,
          expected: options.hostKey,
          hint: `find out what answers at ${target.address}`,
        },
      );
    }
    const isAgreed =
      options.hostKey !== undefined ||
      options.yes === true ||
      (await terminal.confirm(
        `Is this the key of ${outcome.board.name}?`,
        "--host-key FINGERPRINT or --yes",
      ));
    if (!isAgreed) return ExitCode.HostKey;
    await trustKey(fleet, outcome.value);
    terminal.note(`recorded the host key of ${outcome.board.name}`);
  }
  noteErrors(outcomes, terminal);
  return codeOf(outcomes);
}
