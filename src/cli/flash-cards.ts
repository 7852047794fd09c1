/**
 * The part of `imcloud flash` that makes a card the card of a board: which is whose, what is on it, and what comes
 * after: labels, waiting for the boards, `apply`.
 */
import { Option, type Command } from "commander";
import { FIRST_BOOT_FORMATS, type FirstBootFormat } from "../config/first-boot.js";
import type { BoardConfig } from "../config/load.js";
import type { Fleet } from "../fleet/fleet.js";
import type { PreparedCard } from "../fleet/prepare-card.js";
import type { ChosenTarget } from "../flash/choose-target.js";
import type { Written } from "../flash/write.js";
import { ImcloudError } from "../shared/errors.js";
import { ExitCode } from "../shared/exit-code.js";
import { selectors } from "./fleet-options.js";
import type { Context } from "./program.js";
import { reportOf } from "./report-error.js";
import type { Terminal } from "./terminal.js";

export interface CardFlags {
  readonly on?: readonly string[];
  readonly csv?: string;
  readonly replace?: string;
  readonly format?: FirstBootFormat;
  readonly labels?: string;
  /** False: whoever asked for the cards waits, and says how it goes on. */
  readonly wait?: boolean;
  readonly waitMinutes?: number;
  readonly cardMinutes?: number;
}

export function addCardOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--on <selector...>",
        "make each card that of a board of imcloud.yaml: names, groups or @tags",
      )
        .argParser(selectors)
        .conflicts(["csv", "replace"]),
    )
    .addOption(
      new Option("--csv <file>", "the same for the boards of a table, with what it says of them").conflicts(
        "replace",
      ),
    )
    .option("--replace <board>", "a new card for a board that keeps its host keys")
    .addOption(
      new Option(
        "--format <format>",
        "how the image takes first-boot settings (default: as it shows itself)",
      ).choices(FIRST_BOOT_FORMATS),
    )
    .option("--labels <file.pdf>", "write a sheet of labels: name, account, address, code")
    .option("--wait", "wait until the boards are on the network and ready, then apply")
    .addOption(
      new Option("--wait-minutes <minutes>", "how long, at most")
        .default(15)
        .argParser(
          minutes("--wait-minutes", "a first boot takes one to three minutes, with a slow card ten"),
        ),
    )
    .addOption(
      new Option(
        "--card-minutes <minutes>",
        "with more boards than drives: how long a drive waits for its next card (default: 60 at a terminal)",
      ).argParser(minutes("--card-minutes", "that is for each card, from when it is asked for")),
    );
}

/** Boards in the order of their cards. */
export interface Cards {
  readonly fleet: Fleet;
  readonly cards: readonly PreparedCard[];
}

/**
 * Everything that can go wrong without a card goes wrong here.
 *
 * @param targets fewer than boards: drives, into which one card after the other is put
 * @param catalogued the format that the catalogue tells of the image; one that imcloud does not know tells nothing
 * @returns undefined when the image alone was asked for
 * @throws ImcloudError `cli.usage` when there are fewer boards than targets, or more and not all targets are drives
 */
export async function prepareCards(
  flags: CardFlags,
  targets: readonly ChosenTarget[],
  catalogued: string | undefined,
  context: Context,
  terminal: Terminal,
): Promise<Cards | undefined> {
  if (flags.on === undefined && flags.csv === undefined && flags.replace === undefined) {
    refuseAlone(flags);
    return undefined;
  }
  const { openFleetFor } = await import("./fleet-options.js");
  const { prepareCard } = await import("../fleet/prepare-card.js");
  const on = flags.replace === undefined ? flags.on : [flags.replace];
  const opened = await openFleetFor(on === undefined ? {} : { on }, context, terminal);
  const boards = flags.csv === undefined ? opened.boards : await boardsOf(flags.csv, opened);
  refuseUnequal(boards, targets);
  const fleet = { ...opened, boards };
  const cards: PreparedCard[] = [];
  for (const board of boards)
    cards.push(
      await prepareCard(fleet, board, {
        isReplacement: flags.replace !== undefined,
        ...(flags.format !== undefined && { format: flags.format }),
        ...(isFormat(catalogued) && { catalogued }),
      }),
    );
  return { fleet, cards };
}

/** Which card is whose, for the plan that is agreed to. */
export function whose(cards: Cards | undefined, targets: readonly string[]): readonly string[] {
  const names = cards?.cards.map(({ board }) => board.name) ?? [];
  const later = names.slice(targets.length);
  return [
    ...names.slice(0, targets.length).map((name, index) => `${targets[index] ?? ""} is for ${name}`),
    ...(later.length === 0
      ? []
      : [
          `then, card by card as drives are free: ${later.join(", ")}`,
          "  whatever is put in for them is overwritten without a further question",
        ]),
  ];
}

/** `none` in a catalogue says that nobody has told, and not that the image takes nothing. */
function isFormat(word: string | undefined): word is Exclude<FirstBootFormat, "none"> {
  return word !== "none" && (FIRST_BOOT_FORMATS as readonly (string | undefined)[]).includes(word);
}

/** What was written, as the record of cards has it. */
export interface WrittenCard {
  readonly drive: string;
  readonly serial: string;
  readonly image: string;
}

export const writtenCard = (target: ChosenTarget | undefined, image: string): WrittenCard => ({
  drive: target?.name ?? "",
  serial: target?.drive?.serial ?? "",
  image,
});

/** @param place of the card that is done */
export async function recordWritten({ fleet, cards }: Cards, place: number, on: WrittenCard): Promise<void> {
  const card = cards[place];
  const how = card?.done();
  if (card === undefined || how === undefined) return;
  const { recordCard } = await import("../fleet/cards.js");
  await recordCard(fleet.workspace, {
    board: card.board.name,
    ...on,
    format: how.format,
    fingerprints: [...how.fingerprints],
    flashedAt: new Date().toISOString(),
  });
}

/**
 * Writes labels for the cards that are recorded, and says how it goes on.
 *
 * @param isWritten by the place of the card
 */
export async function concludeCards(
  { fleet, cards }: Cards,
  isWritten: readonly boolean[],
  flags: CardFlags,
  context: Context,
  terminal: Terminal,
): Promise<ExitCode> {
  const done = cards.flatMap((card, place) => {
    const how = card.done();
    return isWritten[place] !== true || how === undefined ? [] : [{ board: card.board, how }];
  });
  for (const { board, how } of done) {
    terminal.note(
      `${board.name}: ${how.system === "" ? "the image" : how.system}, first boot by ${how.format}`,
    );
    if (how.fingerprints.length === 0)
      terminal.note(
        `${board.name}: ${how.format} takes no host keys: run \`imcloud trust ${board.name}\` once it is up`,
      );
  }
  if (flags.labels !== undefined && done.length > 0) await label(flags.labels, done, terminal);
  if (flags.wait !== true) {
    if (flags.wait === undefined && done.length > 0)
      terminal.note("next: put the cards into their boards, switch them on, and run `imcloud apply`");
    return ExitCode.Ok;
  }
  const { waitAndApply } = await import("./flash-wait.js");
  const awaited = done.filter(({ how }) => how.fingerprints.length > 0);
  return waitAndApply(
    fleet,
    awaited.map(({ board, how }) => ({ board, fingerprints: how.fingerprints })),
    flags.waitMinutes ?? 15,
    context,
    terminal,
  );
}

/** What `--json` has of each board. @param ended by the place of its card */
export function boardsToJson(
  { cards }: Cards,
  ended: readonly ({ readonly target: string; readonly value: Written } | { readonly error: unknown })[],
): Record<string, unknown> {
  return Object.fromEntries(
    cards.flatMap(({ board }, place) => {
      const one = ended[place];
      if (one === undefined) return [];
      return [
        [
          board.name,
          "error" in one
            ? { outcome: "failed", error: reportOf(one.error) }
            : { outcome: "written", target: one.target, ...one.value },
        ],
      ];
    }),
  );
}

interface Done {
  readonly board: BoardConfig;
  readonly how: { readonly fingerprints: readonly string[] };
}

async function label(file: string, done: readonly Done[], terminal: Terminal): Promise<void> {
  const { writeLabels } = await import("../fleet/labels.js");
  const { userOf } = await import("../fleet/first-boot.js");
  await writeLabels(
    file,
    done.map(({ board, how }) => ({
      board: board.name,
      user: userOf(board),
      address:
        board.firstBoot.ethernet?.address.split("/")[0] ?? `${board.firstBoot.hostname ?? board.name}.local`,
      fingerprint: how.fingerprints[0] ?? "",
    })),
  );
  terminal.note(`wrote ${file}: ${done.length === 1 ? "1 label" : `${done.length} labels`}, A4, 70 x 37 mm`);
}

async function boardsOf(csv: string, { config }: Fleet): Promise<readonly BoardConfig[]> {
  const { boardsOfCsv } = await import("../fleet/cards-csv.js");
  return boardsOfCsv(csv, config.boards);
}

/** Flags that mean nothing without a board. */
function refuseAlone(flags: CardFlags): void {
  const words = { format: "--format", labels: "--labels", wait: "--wait", cardMinutes: "--card-minutes" };
  const alone = (["format", "labels", "wait", "cardMinutes"] as const).find(
    (name) => flags[name] !== undefined,
  );
  if (alone === undefined) return;
  throw new ImcloudError("cli.usage", `\`${words[alone]}\` says nothing without a board`, {
    expected: "--on BOARD, --csv FILE or --replace BOARD",
    hint: "say whose card it is with `--on`, or leave it out",
  });
}

function refuseUnequal(boards: readonly BoardConfig[], targets: readonly ChosenTarget[]): void {
  if (boards.length === targets.length) return;
  if (boards.length > targets.length && targets.every(({ kind }) => kind === "drive")) return;
  const count = (number: number, word: string) => `${number} ${word}${number === 1 ? "" : "s"}`;
  throw new ImcloudError("cli.usage", "each board wants a card of its own", {
    found: `${count(boards.length, "board")} (${boards.map(({ name }) => name).join(", ")}), ${count(targets.length, "card")}`,
    expected:
      "as many `--to` as boards, in their order; of drives fewer will do, which get one card after the other",
    hint: "name fewer boards with `--on`, or more cards with `--to`",
  });
}

const minutes =
  (flag: string, hint: string) =>
  (word: string): number => {
    if (/^[1-9]\d{0,2}$/.test(word)) return Number(word);
    throw new ImcloudError("cli.usage", `\`${flag} ${word}\` is not what is allowed there`, {
      found: word,
      expected: "whole minutes from 1 to 999",
      hint,
    });
  };
