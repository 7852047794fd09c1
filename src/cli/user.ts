import { Option, type Command } from "commander";
import { ImcloudError } from "../shared/errors.js";
import { ExitCode } from "../shared/exit-code.js";
import { Secret } from "../shared/secret.js";
import { addFleetOptions, openFleetFor, type FleetFlags } from "./fleet-options.js";
import type { Context } from "./program.js";
import { addServerVerb } from "./server-verb.js";
import type { Terminal } from "./terminal.js";
import { userVerbs } from "./user-verbs.js";

export interface UserAddOptions extends FleetFlags {
  readonly admin?: boolean;
  readonly generate?: boolean;
  readonly json?: boolean;
}

export function addUserCommand(program: Command, context: Context): void {
  const user = program
    .command("user")
    .summary("accounts of the cloud")
    .description("Manage the accounts of the IM server.");
  addFleetOptions(
    user
      .command("add <name>")
      .summary("make an account")
      .description(
        "Make an account on the IM server. The password is asked for, taken from IMCLOUD_USER_PASSWORD, or generated.\n" +
          "Made again with the same password, it stays as it is.",
      ),
  )
    .option("--admin", "may administer the server")
    .addOption(new Option("--generate", "make a password and print it"))
    .option("--json", "write the account to stdout as one JSON document")
    .addHelpText(
      "after",
      "\nExamples:\n  imcloud user add ada\n  IMCLOUD_USER_PASSWORD=… imcloud user add ada --json",
    )
    .action(async (name: string, options: UserAddOptions) => {
      process.exitCode = await runUserAdd(name, options, context);
    });
  for (const verb of userVerbs(passwordFor)) addServerVerb(user, context, verb);
}

export async function runUserAdd(name: string, options: UserAddOptions, context: Context): Promise<ExitCode> {
  const terminal = await context.terminal();
  const { AccountName } = await import("./account-name.js");
  const problem = AccountName.safeParse(name).error?.issues[0]?.message;
  if (problem !== undefined) {
    throw new ImcloudError("cli.usage", `\`${name}\` cannot be the name of an account`, {
      found: name,
      expected: problem,
      hint: "choose another name",
    });
  }
  const fleet = await openFleetFor(options, context, terminal);
  const password = await passwordFor(name, options, terminal);
  const { addUser } = await import("../fleet/users.js");
  const { userId, outcome } = await addUser(fleet, { name, password, isAdmin: options.admin === true });

  // A password that was generated is known to nobody else: it is data.
  const generated = options.generate === true ? { password: password.reveal() } : {};
  if (terminal.json) terminal.data(JSON.stringify({ version: 1, userId, outcome, ...generated }, null, 2));
  else terminal.data([userId, ...Object.values(generated)].join("  "));
  terminal.note(outcome === "unchanged" ? `${userId} is there already` : `${outcome} ${userId}`);
  return ExitCode.Ok;
}

async function passwordFor(
  name: string,
  { generate }: Pick<UserAddOptions, "generate">,
  terminal: Terminal,
): Promise<Secret> {
  if (generate === true) return (await import("../config/secrets.js")).generateSecret();
  const given = process.env.IMCLOUD_USER_PASSWORD;
  if (given !== undefined && given !== "") return new Secret(given);
  const typed = await terminal.secret(`Password for ${name}`);
  if (typed !== undefined) return typed;
  throw new ImcloudError("cli.missing-answer", `no password for \`${name}\``, {
    expected: "--generate, or IMCLOUD_USER_PASSWORD",
    hint: "give --generate, or the password in IMCLOUD_USER_PASSWORD",
  });
}
