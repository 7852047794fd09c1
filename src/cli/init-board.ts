/**
 * `imcloud init`'s questions about the board: where it is, whether it is the right one, and how to log in.
 */
import type { BoardConfig } from "../config/load.js";
import type { Discovered } from "../fleet/discovery.js";
import type { NewBoard } from "../fleet/new-cloud.js";
import { chooseCard, type NewCard } from "./init-card.js";
import { ImcloudError } from "../shared/errors.js";
import { answer, isAsking, missing, type InitOptions } from "./init-questions.js";
import type { Terminal } from "./terminal.js";

export interface ChosenBoard {
  readonly board: NewBoard;
  /** Of a board that is made by writing it. */
  readonly card?: NewCard;
}

/** @returns the board, with a login that works, or the card that makes one */
export async function chooseBoard(
  options: InitOptions,
  folder: string,
  terminal: Terminal,
): Promise<ChosenBoard> {
  const where = await chooseWhere(options, terminal);
  if (where.kind !== "card") return { board: await boardAt(where, options, folder, terminal) };
  const card = await chooseCard(options, await boardName(options, terminal, ""), terminal);
  return { board: card.board, card };
}

async function boardAt(
  where: Exclude<Where, { kind: "card" }>,
  options: InitOptions,
  folder: string,
  terminal: Terminal,
): Promise<NewBoard> {
  if (where.kind === "local") {
    const { hostname } = await import("node:os");
    const name = await boardName(options, terminal, hostname());
    return { name, transport: "local", address: "localhost" };
  }
  if (where.kind === "lab") return labBoard(options, terminal);

  const user = await answer(
    { question: "User to log in as", flag: "--user", given: options.user, preset: "pi" },
    options,
    terminal,
  );
  const name = await boardName(options, terminal, where.name);
  const board: NewBoard = {
    name,
    transport: "ssh",
    address: where.address,
    user,
    ...(options.port !== undefined && { port: options.port }),
    ...(options.identityFile !== undefined && { identityFile: options.identityFile }),
  };
  await makeSureOfHostKey(board, options, folder, terminal);
  await makeSureOfLogin(board, options, folder, terminal);
  return options.hostKey === undefined ? board : { ...board, hostKey: options.hostKey };
}

type Where =
  | { readonly kind: "ssh"; readonly address: string; readonly name: string }
  | { readonly kind: "local" }
  | { readonly kind: "lab" }
  | { readonly kind: "card" };

async function chooseWhere(options: InitOptions, terminal: Terminal): Promise<Where> {
  if (options.local === true) return { kind: "local" };
  if (options.lab === true) return { kind: "lab" };
  if (options.flash !== undefined) return { kind: "card" };
  if (options.address !== undefined)
    return { kind: "ssh", address: options.address, name: firstLabel(options.address) };
  if (!isAsking(options, terminal))
    throw missing("where is the board?", "--address, --local, --lab or --flash");

  const { discover } = await import("../fleet/discovery.js");
  terminal.note("looking for boards in this network …");
  const found = await discover();
  const { labMissing } = await import("../lab/lab.js");
  const canLab = (await labMissing()).length === 0;
  const choice = await terminal.select("Where is the board?", "--address", [
    ...found.map((one) => ({ value: one.address, name: wordsOf(one) })),
    { value: "other", name: "at an address that I type" },
    { value: "card", name: "nowhere yet: write a card for it" },
    ...(process.platform === "linux" ? [{ value: "local", name: "it is this machine" }] : []),
    ...(canLab ? [{ value: "lab", name: "nowhere yet: make a virtual board on this machine" }] : []),
  ]);
  if (choice === "local" || choice === "lab" || choice === "card") return { kind: choice };
  if (choice !== "other")
    return {
      kind: "ssh",
      address: choice,
      name: found.find(({ address }) => address === choice)?.name ?? "",
    };
  const address = await terminal.input("Address of the board (name or IP)", "--address");
  return { kind: "ssh", address, name: firstLabel(address) };
}

async function boardName(options: InitOptions, terminal: Terminal, hint: string): Promise<string> {
  const { nameFrom } = await import("../fleet/new-cloud.js");
  const preset = nameFrom(/^\d+$/.test(hint) || hint === "raspberrypi" ? "" : hint, "board1");
  const { Name } = await import("../config/schema.js");
  return answer(
    {
      question: "Name for the board (it becomes its host name)",
      flag: "--board",
      given: options.board,
      preset,
      schema: Name,
    },
    options,
    terminal,
  );
}

async function labBoard(options: InitOptions, terminal: Terminal): Promise<NewBoard> {
  const { labUp } = await import("../lab/lab.js");
  const name = await boardName(options, terminal, "");
  const [board] = await labUp({ names: [name] }, (line) => terminal.note(line));
  if (board === undefined) throw new Error("the lab made no board");
  const { address, user, sshKeyPath, fingerprint } = board;
  return { name, transport: "ssh", address, user, identityFile: sshKeyPath, hostKey: fingerprint };
}

/** Shown and agreed to, given as a flag, or recorded because that was asked for: never taken for granted. */
async function makeSureOfHostKey(
  board: NewBoard,
  options: InitOptions,
  folder: string,
  terminal: Terminal,
): Promise<void> {
  if (options.hostKey !== undefined) return;
  const { fleetOfOne } = await import("./init-fleet.js");
  const { presentedKeys, recordedAlready, trustKey } = await import("../fleet/trust.js");
  const fleet = await fleetOfOne(board, options, folder, terminal);
  const [outcome] = await presentedKeys(fleet);
  if (outcome === undefined) throw new Error("no board was asked");
  if (!outcome.ok) throw outcome.error;
  if (await recordedAlready(fleet, outcome.value)) return;
  const { key, fingerprint, target } = outcome.value;
  terminal.note(`${target.address} presents the host key ${key.type} ${fingerprint}`);
  const isAgreed =
    options.acceptNewHostKey === true ||
    (await terminal.confirm(
      "Is this your board? (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on it shows the same)",
      "--host-key FINGERPRINT, or --accept-new-host-key",
    ));
  if (!isAgreed) {
    throw new ImcloudError("board.host-key-unknown", `the host key of \`${board.name}\` was not agreed to`, {
      found: fingerprint,
      hint: "find out what answers at that address",
    });
  }
  await trustKey(fleet, outcome.value);
}

/** Logs in once; where it took a password, leaves a key so that it will not be needed again. */
async function makeSureOfLogin(
  board: NewBoard,
  options: InitOptions,
  folder: string,
  terminal: Terminal,
): Promise<void> {
  const { fleetOfOne } = await import("./init-fleet.js");
  const { installKey } = await import("../fleet/install-key.js");
  const { openLink } = await import("../fleet/connect.js");
  const fleet = await fleetOfOne(board, options, folder, terminal);
  const [config] = fleet.boards as readonly [BoardConfig];
  terminal.note(`logging in to ${board.address} as ${board.user ?? ""} …`);
  const link = await openLink(config, fleet.connecting);
  await link.close();
  if (!link.isByPassword) return;
  await installKey(config, fleet.connecting);
  terminal.note("installed a key of its own (.imcloud/id_ed25519): the password is not needed again");
}

const firstLabel = (address: string): string =>
  /^[\d.:]+$/.test(address) ? "" : (address.split(".")[0] ?? "");

function wordsOf({ address, name, isRaspberryPi }: Discovered): string {
  return [name === "" ? address : `${name} (${address})`, ...(isRaspberryPi ? ["Raspberry Pi"] : [])].join(
    ", ",
  );
}
