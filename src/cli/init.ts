import { basename, dirname, resolve } from "node:path";
import { InvalidArgumentError, Option, type Command } from "commander";
import type { Facts } from "../board/facts.js";
import type { Fleet } from "../fleet/fleet.js";
import type { Invitation } from "../fleet/invitations.js";
import type { NewCloud } from "../fleet/new-cloud.js";
import { ImcloudError } from "../shared/errors.js";
import { ExitCode } from "../shared/exit-code.js";
import { localUser } from "../shared/local-user.js";
import type { Secret } from "../shared/secret.js";
import { applyTo } from "./apply.js";
import { answer, isAsking, type InitOptions } from "./init-questions.js";
import type { Context } from "./program.js";
import type { Terminal } from "./terminal.js";

export function addInitCommand(program: Command, context: Context): void {
  program
    .command("init")
    .summary("set up a cloud in this folder, step by step")
    .description(
      "Ask a few questions, write imcloud.yaml and imcloud.secrets.yaml, show the plan, ask, and apply it.\n" +
        "Every question is also a flag or a variable. The board's password comes from IMCLOUD_SSH_PASSWORD,\n" +
        "the first account's from IMCLOUD_ADMIN_PASSWORD, the authority's from IMCLOUD_SECRET_AUTHORITY_PASSPHRASE.",
    )
    .addOption(new Option("--address <address>", "the board's name or IP address").env("IMCLOUD_ADDRESS"))
    .addOption(new Option("--local", "the board is this machine").conflicts(["address", "lab"]))
    .addOption(new Option("--lab", "make a virtual board on this machine").conflicts("address"))
    .addOption(
      new Option("--flash <image>", "write a card first, and wait for the board that it makes").conflicts([
        "local",
        "lab",
        "json",
      ]),
    )
    .option("--to <target>", "with --flash: the card, by its id of `imcloud drives`")
    .option("--wifi <name>", "with --flash: the network; its password is IMCLOUD_SECRET_WIFI_PASSWORD")
    .option("--wifi-country <code>", "with --wifi: where the board is, such as DE")
    .addOption(
      new Option("--port <port>", "of the board's SSH server").env("IMCLOUD_SSH_PORT").argParser(port),
    )
    .addOption(new Option("--user <name>", "to log in as (default: pi)").env("IMCLOUD_SSH_USER"))
    .addOption(new Option("--identity-file <path>", "private key to log in with").env("IMCLOUD_SSH_KEY_FILE"))
    .addOption(
      new Option("--host-key <fingerprint>", "the board's host key: SHA256:…")
        .env("IMCLOUD_HOST_KEY")
        .argParser(fingerprint),
    )
    .addOption(
      new Option("--accept-new-host-key", "record whatever host key the board presents").env(
        "IMCLOUD_ACCEPT_NEW_HOST_KEY",
      ),
    )
    .addOption(
      new Option("--board <name>", "name for the board; it becomes its host name").env("IMCLOUD_BOARD"),
    )
    .addOption(
      new Option("--name <name>", "name of the cloud (default: the folder's)").env("IMCLOUD_CLOUD_NAME"),
    )
    .addOption(
      new Option("--server-name <domain>", "permanent name in all user ids (default: NAME.home.arpa)").env(
        "IMCLOUD_SERVER_NAME",
      ),
    )
    .addOption(
      new Option("--broker <broker>", "where events are published")
        .env("IMCLOUD_BROKER")
        .choices(["rabbitmq", "kafka", "none"]),
    )
    .addOption(
      new Option("--offline", "boards have no internet: packages come from a kit (`imcloud kit`)").env(
        "IMCLOUD_OFFLINE",
      ),
    )
    .addOption(new Option("--admin <name>", "first account (default: your login here)").env("IMCLOUD_ADMIN"))
    .addOption(new Option("--no-apply", "only write the files"))
    .addOption(new Option("-y, --yes", "take the defaults and apply without asking").env("IMCLOUD_YES"))
    .option("--json", "write what was made to stdout as one JSON document; asks nothing")
    .addHelpText(
      "after",
      "\nExamples:\n  imcloud init\n  imcloud init --lab --yes\n  imcloud init --address 192.168.1.23 --user pi --host-key SHA256:… --yes",
    )
    .action(async (options: InitOptions) => {
      process.exitCode = await runInit(options, context);
    });
}

function port(word: string): number {
  const value = Number(word);
  if (!/^[1-9]\d{0,4}$/.test(word) || value > 65_535)
    throw new InvalidArgumentError("It must be a port from 1 to 65535.");
  return value;
}

function fingerprint(word: string): string {
  if (!/^SHA256:[A-Za-z0-9+/]{43}$/.test(word))
    throw new InvalidArgumentError("It must be as `ssh-keygen -lf` prints it, SHA256: and 43 characters.");
  return word;
}

export async function runInit(options: InitOptions, context: Context): Promise<ExitCode> {
  const terminal = await context.terminal();
  const file = context.config() ?? "imcloud.yaml";
  const folder = dirname(resolve(file));
  const { refuseExisting, rewriteCloud, writeCloud } = await import("../fleet/new-cloud.js");
  await refuseExisting(file);

  const { chooseBoard } = await import("./init-board.js");
  const { board, card } = await chooseBoard(options, folder, terminal);
  const cloud: NewCloud = { ...(await chooseCloud(options, folder, terminal)), board };
  const account = await chooseAccount(options, terminal);

  const { GENERATED } = await import("../fleet/generated-secrets.js");
  const { generateSecret } = await import("../config/secrets.js");
  const secrets = new Map<string, Secret>([
    ["admin_password", account.password],
    ...GENERATED.map((name) => [name, generateSecret()] as const),
    ...(card?.wifiPassword === undefined ? [] : [["wifi_password", card.wifiPassword] as const]),
  ]);
  await writeCloud(folder, file, cloud, secrets);
  terminal.note(`wrote ${file}, imcloud.secrets.yaml and .gitignore`);
  const { name, serverName, broker } = cloud;
  const made = { version: 1, cloud: { name, serverName, broker }, config: resolve(file) };
  const tell = (more: object): void => {
    if (terminal.json) terminal.data(JSON.stringify({ ...made, ...more }, null, 2));
  };
  if (!options.apply) {
    terminal.note(
      card === undefined
        ? "next: `imcloud plan`, then `imcloud apply`"
        : `next: \`imcloud flash --image ${card.image} --to ${card.to} --on ${board.name} --wait\``,
    );
    tell({});
    return ExitCode.Ok;
  }
  if (card !== undefined) {
    const { makeBoardOfCard } = await import("./init-card.js");
    const made = await makeBoardOfCard(card, options, context, terminal);
    if (!made.isUp) {
      terminal.note(
        made.isWritten
          ? `the card is written: once ${board.name} is on the network, put its address into ${file} and run \`imcloud apply\`, then \`imcloud user add ${account.name} --admin\``
          : `when you are ready: \`imcloud flash --on ${board.name} --wait\`, with the image and the card`,
      );
      return made.exitCode;
    }
    await rewriteCloud(file, { ...cloud, board: { ...board, address: made.address } });
  }
  const applied = await applyTo(undefined, { yes: options.yes === true, isNew: true }, context, terminal);
  if (applied.exitCode !== ExitCode.Ok || applied.document === undefined) {
    terminal.note(`when you are ready: \`imcloud apply\`, then \`imcloud user add ${account.name} --admin\``);
    tell({ ...applied.document });
    return applied.exitCode;
  }
  const { openFleetFor } = await import("./fleet-options.js");
  const { addUser } = await import("../fleet/users.js");
  const { serverBoard } = await import("../fleet/server-board.js");
  const { baseUrlOf } = await import("../fleet/resolver.js");
  const { rememberedFacts } = await import("../fleet/facts-cache.js");
  const fleet = await openFleetFor({}, context, terminal);
  const { userId } = await addUser(fleet, { ...account, isAdmin: true });
  const server = serverBoard(fleet.boards);
  const facts = await rememberedFacts(fleet.workspace, server.name);
  const address = baseUrlOf(fleet.config, server, facts?.addresses ?? []);
  if (facts !== undefined) await noteRelease(facts, terminal);
  const invitation = await inviteTheNext(fleet, terminal);
  const { documentOf } = await import("./invite.js");
  tell({
    ...{ ...applied.document, address, account: userId },
    ...(invitation !== undefined && { invitation: documentOf(invitation) }),
  });
  if (!terminal.json) {
    const { renderNextSteps } = await import("./next-steps.js");
    terminal.data(renderNextSteps({ userId, address, cloud, invitation }, terminal.dataPaint));
  }
  return ExitCode.Ok;
}

/** @returns undefined when none could be made: the cloud is up all the same */
async function inviteTheNext(fleet: Fleet, terminal: Terminal): Promise<Invitation | undefined> {
  const { invite } = await import("../fleet/invitations.js");
  const { DAYS, inDays } = await import("./invite.js");
  try {
    return await invite(fleet, { uses: 1, expiresAt: inDays(DAYS) });
  } catch (error) {
    if (!(error instanceof ImcloudError)) throw error;
    const { found } = error.details;
    terminal.note(
      `no invitation was made: ${error.message}${found === undefined ? "" : ` (${found})`}; \`imcloud invite\` makes one later`,
    );
    return undefined;
  }
}

/** `--yes` shows no plan: here it is said too. */
async function noteRelease(facts: Facts, terminal: Terminal): Promise<void> {
  const { releaseOf } = await import("../board/facts.js");
  const { withoutFreeUpdates } = await import("../shared/releases.js");
  const unsupported = withoutFreeUpdates(releaseOf(facts), new Date());
  if (unsupported !== undefined) terminal.note(`${facts.os.prettyName}: ${unsupported}`);
}

async function chooseCloud(
  options: InitOptions,
  folder: string,
  terminal: Terminal,
): Promise<Omit<NewCloud, "board">> {
  const { nameFrom } = await import("../fleet/new-cloud.js");
  const { Name, ServerName } = await import("../config/schema.js");
  const name = await answer(
    {
      question: "Name of the cloud",
      flag: "--name",
      given: options.name,
      preset: nameFrom(basename(folder), "home"),
      schema: Name,
    },
    options,
    terminal,
  );
  if (options.serverName === undefined && isAsking(options, terminal)) {
    terminal.note("The server name is part of every user and room id. It can never change.");
  }
  const serverName = await answer(
    {
      question: "Permanent server name",
      flag: "--server-name",
      given: options.serverName,
      preset: `${name}.home.arpa`,
      schema: ServerName,
    },
    options,
    terminal,
  );
  const broker =
    options.broker ??
    (isAsking(options, terminal)
      ? await terminal.select<NewCloud["broker"]>("Broker for the cloud's events", "--broker", [
          {
            value: "rabbitmq",
            name: "RabbitMQ",
            description: "for integrations: every event is published to it",
          },
          {
            value: "kafka",
            name: "Kafka",
            description: "the same, kept for a week to be read again; wants a board with 2 GB or more",
          },
          { value: "none", name: "none", description: "chat works without; can be added later" },
        ])
      : "rabbitmq");
  return { name, serverName, broker, isOffline: options.offline === true };
}

interface Account {
  readonly name: string;
  readonly password: Secret;
}

async function chooseAccount(options: InitOptions, terminal: Terminal): Promise<Account> {
  const { nameFrom } = await import("../fleet/new-cloud.js");
  const { Secret } = await import("../shared/secret.js");
  const { AccountName } = await import("./account-name.js");
  const name = await answer(
    {
      question: "Name of the first account",
      flag: "--admin",
      given: options.admin,
      preset: nameFrom(localUser(), "admin"),
      schema: AccountName,
    },
    options,
    terminal,
  );
  const given = process.env.IMCLOUD_ADMIN_PASSWORD;
  if (given !== undefined && given !== "") return { name, password: new Secret(given) };
  const typed = isAsking(options, terminal)
    ? await terminal.secret(`Password for ${name} (empty: one is made)`)
    : undefined;
  if (typed !== undefined) return { name, password: typed };
  const { generateSecret } = await import("../config/secrets.js");
  return { name, password: generateSecret() };
}
