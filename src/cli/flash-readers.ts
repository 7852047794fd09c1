/**
 * `imcloud flash` with more boards than drives: says whose card is wanted in which reader, and how each board ended.
 */
import type { ChosenTarget } from "../flash/choose-target.js";
import type { Drive } from "../flash/drives.js";
import type { FoundImage } from "../flash/find-image.js";
import type { Card, CardOutcome, Machine, ReadersListener } from "../flash/readers.js";
import type { BoardProgress } from "../fleet/progress.js";
import { failureCode } from "../fleet/failure-code.js";
import { noCardCame, readersAlike, stoppedBefore } from "../flash/errors.js";
import { ImcloudError } from "../shared/errors.js";
import { type ExitCode } from "../shared/exit-code.js";
import { assertLargeNamed } from "./confirm-flash.js";
import { boardsToJson, concludeCards, recordWritten, writtenCard, type Cards } from "./flash-cards.js";
import type { FlashFlags } from "./flash.js";
import { flashProgress } from "./flash-progress.js";
import type { Context } from "./program.js";
import { renderError, reportOf } from "./report-error.js";
import type { Terminal } from "./terminal.js";

/** Long enough for a lesson's break; a run that is forgotten ends. */
const AT_A_TERMINAL_MINUTES = 60;

export interface Readers {
  readonly first: readonly Card[];
  readonly minutes: number;
}

/**
 * @param targets drives
 * @param drives all of the machine's
 * @throws ImcloudError `cli.missing-answer` where nobody is there and nobody said for how long to wait;
 *   `flash.target-refused` for readers that the machine does not tell apart
 */
export function readersOf(
  targets: readonly ChosenTarget[],
  drives: readonly Drive[],
  { cardMinutes }: Pick<FlashFlags, "cardMinutes">,
  { canAsk }: Pick<Terminal, "canAsk">,
): Readers {
  const first = targets.flatMap((target) =>
    target.drive === undefined ? [] : [{ ...target, drive: target.drive }],
  );
  const alike = first.filter(({ drive }) => drives.filter(({ slot }) => slot === drive.slot).length > 1);
  if (alike.length > 0) throw readersAlike(alike.map(({ name }) => name));
  if (cardMinutes === undefined && !canAsk)
    throw new ImcloudError("cli.missing-answer", "nobody is there to be told whose card is next", {
      found: `more boards than drives (${first.map(({ name }) => name).join(", ")}), and no terminal`,
      expected: "`--card-minutes`, where a script or a robot changes the cards; or as many drives as boards",
      hint: "say with `--card-minutes` how long to wait for each card",
    });
  return { first, minutes: cardMinutes ?? AT_A_TERMINAL_MINUTES };
}

interface ByReaders {
  readonly image: FoundImage;
  readonly readers: Readers;
  readonly cards: Cards;
  readonly flags: FlashFlags;
}

export async function flashCardsByReaders(
  { image, readers: { first, minutes }, cards, flags }: ByReaders,
  context: Context,
  terminal: Terminal,
): Promise<ExitCode> {
  const { flashByReaders } = await import("../flash/readers.js");
  const { Flasher } = await import("../flash/flash.js");
  const { loadDrives } = await import("../flash/load-drives.js");
  const boards = cards.cards.map(({ board }) => board.name);
  const names = first.map(({ drive }) => readerOf(drive));
  const progress = terminal.progress(names);
  await using flasher = new Flasher(first);
  const machine: Machine = {
    flash: (request, told) => flasher.flash(request, told),
    look: loadDrives,
    choose: (drive, needBytes) => chosen(drive, image.sizeBytes ?? needBytes, flags),
  };
  const said = new Announcements(
    boards,
    names,
    (reader) => progress.board(names[reader] ?? ""),
    flags.verify,
  );
  const listener: ReadersListener = {
    progress: flashProgress(progress, {
      ...{ names, image, isAnimated: terminal.isAnimated },
      about: (reader) => `${said.boardIn(reader)}: `,
    }),
    began: (reader, place) => said.began(reader, place),
    written: async (reader, place, card) => {
      await recordWritten(cards, place, writtenCard(card, flags.image));
      said.written(reader, place);
    },
    spoilt: (reader, place, error, isRepeated) => said.spoilt(reader, place, error, isRepeated),
    wanted: (reader, place) => said.wanted(reader, place),
    refused: (reader, place, error) => said.refused(reader, place, error),
    through: (reader) => said.through(reader),
  };
  const run = await flashByReaders(
    {
      ...{ image, first, verify: flags.verify, patienceMs: minutes * 60_000, signal: terminal.signal },
      customise: cards.cards.map(({ customise }) => customise),
    },
    machine,
    listener,
  );
  await progress.end();
  const isStopped = terminal.signal.aborted;
  const left = boards.filter((_, place) => run.cards[place]?.kind === "left");
  const why = run.error ?? (isStopped ? stoppedBefore(left) : noCardCame(left, minutes));
  const ended = run.cards.map((outcome) => endOf(outcome, why));
  if (terminal.json)
    terminal.data(JSON.stringify({ version: 1, boards: boardsToJson(cards, ended) }, null, 2));
  // Several boards may lack a card for one reason.
  const errors = new Set([
    ...ended.flatMap((one) => ("error" in one ? [one.error] : [])),
    ...(run.error === undefined ? [] : [run.error]),
  ]);
  for (const error of errors) process.stderr.write(`${renderError(error, terminal)}\n`);
  const isWritten = ended.map((one) => !("error" in one));
  const missing = boards.filter((_, place) => isWritten[place] !== true);
  if (missing.length > 0)
    terminal.note(
      `${boards.length - missing.length} of ${boards.length} cards are done; not: ${missing.join(", ")}`,
    );
  const { wait, ...others } = flags;
  const next = isStopped || wait === undefined ? others : { ...others, wait };
  const concluded = await concludeCards(cards, isWritten, next, context, terminal);
  return failureCode([...errors]) ?? concluded;
}

/** In a slot of the machine's own a drive is called by its card. */
const readerOf = ({ transport, path, id }: Drive): string => (transport === "mmc" ? path : id);

/** Every rule that the first cards had to pass. */
async function chosen(
  drive: Drive,
  needBytes: number | undefined,
  { unmount, large }: FlashFlags,
): Promise<Card> {
  const { chooseTarget } = await import("../flash/choose-target.js");
  const target = await chooseTarget(drive.path, [drive], {
    unmount: unmount === true,
    ...(needBytes !== undefined && { needBytes }),
  });
  assertLargeNamed(target, large);
  return { ...target, drive };
}

type End = Parameters<typeof boardsToJson>[1][number];

const endOf = (outcome: CardOutcome, why: unknown): End =>
  outcome.kind === "written"
    ? { target: outcome.card.name, value: outcome.value }
    : { error: outcome.kind === "failed" ? outcome.error : why };

/** What is said of each reader: a step is a board's card, from when it is wanted to when it is done. */
class Announcements {
  readonly #boards: readonly string[];
  readonly #names: readonly string[];
  readonly #row: (reader: number) => BoardProgress;
  readonly #good: string;
  readonly #begun = new Map<number, { readonly place: number; readonly startedMs: number }>();
  readonly #before = new Map<number, string>();
  readonly #done = new Map<number, number>();

  constructor(
    boards: readonly string[],
    names: readonly string[],
    row: (reader: number) => BoardProgress,
    verify: boolean,
  ) {
    this.#boards = boards;
    this.#names = names;
    this.#row = row;
    this.#good = verify ? "written and read back" : "written, not read back";
  }

  boardIn(reader: number): string {
    return this.#board(this.#begun.get(reader)?.place ?? -1);
  }

  began(reader: number, place: number): void {
    if (this.#begun.get(reader)?.place !== place) this.#start(reader, place);
    this.#begun.set(reader, { place, startedMs: performance.now() });
  }

  wanted(reader: number, place: number): void {
    this.#start(reader, place);
    this.#row(reader).doing(`${this.#before.get(reader) ?? ""}${this.#insert(reader, place)}`);
  }

  written(reader: number, place: number): void {
    this.#end(reader, place, "done");
    this.#done.set(reader, (this.#done.get(reader) ?? 0) + 1);
    this.#before.set(reader, `${this.#board(place)} is done: take its card out, and `);
  }

  spoilt(reader: number, place: number, error: unknown, isRepeated: boolean): void {
    const { message } = reportOf(error);
    const later = isRepeated
      ? `${this.#board(place)} gets another card later`
      : `${this.#board(place)} has none`;
    this.#end(reader, place, "failed");
    this.#before.set(reader, `${message}: ${later}; take this card out, and `);
  }

  refused(reader: number, place: number, error: ImcloudError): void {
    this.#row(reader).doing(`${error.message}: ${error.details.hint}; or ${this.#insert(reader, place)}`);
  }

  through(reader: number): void {
    const count = this.#done.get(reader) ?? 0;
    this.#row(reader).ended(`${count === 1 ? "1 card" : `${count} cards`} ${this.#good}`, count > 0);
  }

  #start(reader: number, place: number): void {
    this.#begun.set(reader, { place, startedMs: performance.now() });
    this.#row(reader).stepStarted(this.#board(place), place + 1, this.#boards.length);
  }

  #end(reader: number, place: number, outcome: string): void {
    const { startedMs = performance.now() } = this.#begun.get(reader) ?? {};
    const durationMs = Math.round(performance.now() - startedMs);
    this.#row(reader).stepEnded(this.#board(place), outcome, durationMs, place + 1, this.#boards.length);
  }

  #insert(reader: number, place: number): string {
    return `insert the card for ${this.#board(place)} into ${this.#names[reader] ?? ""}`;
  }

  #board(place: number): string {
    return this.#boards[place] ?? "";
  }
}
