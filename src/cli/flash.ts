import { Option, type Command } from "commander";
import { failureCode } from "../fleet/failure-code.js";
import type { ChosenTarget } from "../flash/choose-target.js";
import type { Drive } from "../flash/drives.js";
import type { FoundImage } from "../flash/find-image.js";
import type { WriteOutcome } from "../flash/write.js";
import { ExitCode } from "../shared/exit-code.js";
import type { ConfirmFlags } from "./confirm-flash.js";
import {
  addCardOptions,
  boardsToJson,
  concludeCards,
  prepareCards,
  recordWritten,
  whose,
  writtenCard,
  type CardFlags,
  type Cards,
} from "./flash-cards.js";
import type { Context } from "./program.js";
import { renderError, reportOf } from "./report-error.js";
import type { Terminal } from "./terminal.js";

export interface FlashFlags extends ConfirmFlags, CardFlags {
  readonly image: string;
  readonly to: readonly string[];
  readonly verify: boolean;
  readonly bmap?: string;
  readonly list?: string;
  readonly keys?: string;
  readonly unmount?: boolean;
  readonly json?: boolean;
}

export function addFlashCommand(program: Command, context: Context): void {
  const command = program
    .command("flash")
    .summary("write an image to SD cards, USB disks or image files")
    .description(
      "Write an image to SD cards, USB disks or image files, and read back what was written.\n" +
        "With `--on`, `--csv` or `--replace` each card becomes that of a board: see docs/first-boot.md.\n" +
        "With more boards than drives, each drive takes one card after the other and says whose is next.",
    )
    .requiredOption(
      "--image <image>",
      "a file (.img, or packed by xz, gzip, zstd, zip), an address, or an id of `imcloud image list`",
    )
    .addOption(
      new Option(
        "--to <target...>",
        "drives by their ids (`imcloud drives`) or paths, or image files",
      ).makeOptionMandatory(),
    )
    .option(
      "--yes <hash|id...>",
      "do not ask: the plan's hash, or the id of each drive and file that is overwritten",
    )
    .option("--large <serial|GB...>", "serial numbers or sizes of drives above 256 GB")
    .option("--unmount", "unmount what is mounted of the drives")
    .option("--bmap <file>", "write the parts alone that this bmap file names")
    .option("--no-verify", "do not read back what was written")
    .option("--list <file|url>", "another list of images than Raspberry Pi's")
    .option("--keys <file>", "public keys of whoever signs the publisher's SHA256SUMS");
  addCardOptions(command)
    .option("--json", "write the outcome to stdout as one JSON document")
    .addHelpText(
      "after",
      "\nExamples:\n  imcloud flash --image raspios.img.xz --to attic.img\n" +
        "  imcloud flash --image 2025-10-01-raspios-trixie-arm64-lite --to usb-Generic_MassStorage-0:0\n" +
        "  imcloud flash --image raspios.img.xz --to attic.img --on attic --wait\n" +
        "  imcloud flash --image raspios.img.xz --to usb-Generic_MassStorage-0:0 --on class-a --labels sheet.pdf",
    )
    .action(async (flags: FlashFlags) => {
      process.exitCode = await runFlash(flags, context);
    });
}

export async function runFlash(flags: FlashFlags, context: Context): Promise<ExitCode> {
  const terminal = await context.terminal();
  const { confirmFlash } = await import("./confirm-flash.js");
  const image = await imageOf(flags, terminal);
  const { targets, drives } = await targetsOf(flags, image);
  const names = targets.map(({ name }) => name);
  const cards = await prepareCards(flags, targets, image.listed?.initFormat, context, terminal);
  const plan = { image, targets, further: whose(cards, names) };
  if (cards === undefined || cards.cards.length === targets.length) {
    await confirmFlash(plan, flags, terminal);
    return flashAtOnce({ image, targets, cards, flags }, context, terminal);
  }
  const { flashCardsByReaders, readersOf } = await import("./flash-readers.js");
  const readers = readersOf(targets, drives, flags, terminal);
  await confirmFlash(plan, flags, terminal);
  return flashCardsByReaders({ image, readers, cards, flags }, context, terminal);
}

interface AtOnce {
  readonly image: FoundImage;
  readonly targets: readonly ChosenTarget[];
  readonly cards: Cards | undefined;
  readonly flags: FlashFlags;
}

async function flashAtOnce(
  { image, targets, cards, flags }: AtOnce,
  context: Context,
  terminal: Terminal,
): Promise<ExitCode> {
  const { flash } = await import("../flash/flash.js");
  const { flashProgress } = await import("./flash-progress.js");
  const names = targets.map(({ name }) => name);
  const progress = terminal.progress(names);
  const good = flags.verify ? "written and read back" : "written, not read back";
  const outcomes = await flash(
    {
      ...{ image, targets, verify: flags.verify, signal: terminal.signal },
      ...(cards !== undefined && { customise: (index: number) => cards.cards[index]?.customise }),
    },
    {
      ...flashProgress(progress, { names, image, isAnimated: terminal.isAnimated }),
      ended: (index, outcome) =>
        progress
          .board(names[index] ?? "")
          .ended(outcome.ok ? good : reportOf(outcome.error).message, outcome.ok),
    },
  ).catch(async (error: unknown) => {
    await progress.end();
    throw error;
  });
  await progress.end();
  if (terminal.json)
    terminal.data(JSON.stringify({ version: 1, ...toJson(names, outcomes, cards) }, null, 2));
  const errors = outcomes.flatMap((outcome) => (outcome.ok ? [] : [outcome.error]));
  for (const error of errors) process.stderr.write(`${renderError(error, terminal)}\n`);
  const failure = failureCode(errors);
  if (cards === undefined) return failure ?? ExitCode.Ok;
  for (const [place, { ok }] of outcomes.entries())
    if (ok) await recordWritten(cards, place, writtenCard(targets[place], flags.image));
  const isWritten = outcomes.map(({ ok }) => ok);
  const concluded = await concludeCards(cards, isWritten, flags, context, terminal);
  return failure ?? concluded;
}

async function imageOf(
  { image: word, bmap, list, keys }: FlashFlags,
  terminal: Terminal,
): Promise<FoundImage> {
  const { findImageFor } = await import("../flash/find-image.js");
  const found = await findImageFor(word, {
    note: (line) => terminal.note(line),
    signal: terminal.signal,
    ...(list !== undefined && { list }),
    ...(keys !== undefined && { keys }),
  });
  if (found.listed !== undefined) {
    const { warningsOf } = await import("../flash/catalogue/catalogue.js");
    for (const line of warningsOf(found.listed, new Date())) terminal.note(`${found.name}: ${line}`);
  }
  if (bmap === undefined) return found;
  const { loadBmap } = await import("../flash/bmap.js");
  const { ranges, sizeBytes } = await loadBmap(bmap);
  return { ...found, ranges, sizeBytes };
}

interface Targets {
  readonly targets: readonly ChosenTarget[];
  /** All of the machine's, where any is meant. */
  readonly drives: readonly Drive[];
}

async function targetsOf({ to, unmount }: FlashFlags, image: FoundImage): Promise<Targets> {
  const { chooseTarget, assertDistinct, looksLikeFile } = await import("../flash/choose-target.js");
  const { loadDrives } = await import("../flash/load-drives.js");
  // A machine that cannot list its drives can write files.
  const drives = to.every(looksLikeFile) ? [] : await loadDrives();
  const targets: ChosenTarget[] = [];
  for (const word of to) {
    targets.push(
      await chooseTarget(word, drives, {
        unmount: unmount === true,
        ...(image.sizeBytes !== undefined && { needBytes: image.sizeBytes }),
      }),
    );
  }
  assertDistinct(targets);
  return { targets, drives };
}

function toJson(
  names: readonly string[],
  outcomes: readonly WriteOutcome[],
  cards: Cards | undefined,
): Record<string, unknown> {
  const ended = outcomes.map((outcome, index) =>
    outcome.ok ? { target: names[index] ?? "", value: outcome.value } : { error: outcome.error },
  );
  const targets = outcomes.map((outcome, index): [string, unknown] => [
    names[index] ?? "",
    outcome.ok
      ? { outcome: "written", ...outcome.value }
      : { outcome: "failed", error: reportOf(outcome.error) },
  ]);
  return {
    targets: Object.fromEntries(targets),
    ...(cards !== undefined && { boards: boardsToJson(cards, ended) }),
  };
}
