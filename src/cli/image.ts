import { Option, type Command } from "commander";
import type { CatalogueImage } from "../flash/catalogue/image.js";
import { ExitCode } from "../shared/exit-code.js";
import type { Context } from "./program.js";
import { bytesInWords } from "./words.js";

interface ListFlags {
  readonly list?: string;
}

export interface ImageListFlags extends ListFlags {
  readonly all?: boolean;
  readonly board?: string;
  readonly arch?: string;
  readonly json?: boolean;
}

export function addImageCommand(program: Command, context: Context): void {
  const image = program
    .command("image")
    .summary("images for boards: what there is, fetching, checking")
    .description(
      "Images for boards, from Raspberry Pi's list, Ubuntu and your own; fetched once, for all clouds.",
    );

  withList(image.command("list"))
    .summary("show the images that there are")
    .description("Show the images that boards can start from, without those that get no updates any more.")
    .option("--all", "also desktops, and releases without updates")
    .addOption(new Option("--board <board>", "only what this board starts from: pi3, pi4, pi5, ..."))
    .addOption(new Option("--arch <architecture>", "only this architecture").choices(["arm64", "armhf"]))
    .option("--json", "write the images to stdout as one JSON document")
    .action(async (flags: ImageListFlags) => {
      process.exitCode = await runImageList(flags, context);
    });
  withList(image.command("fetch <image...>"))
    .summary("fetch images into the cache, for flashing without a network")
    .option("--keys <file>", "public keys of whoever signs the publisher's SHA256SUMS")
    .action(async (images: readonly string[], flags: ListFlags & { readonly keys?: string }) => {
      const terminal = await context.terminal();
      const { fetchInto } = await import("../flash/catalogue/manage.js");
      for (const word of images) {
        const path = await fetchInto(word, {
          ...flags,
          note: (line) => terminal.note(line),
          signal: terminal.signal,
        });
        terminal.data(path);
      }
    });
  withList(image.command("verify <image...>"))
    .summary("see whether images in the cache, or files, are what they should be")
    .action(async (images: readonly string[], flags: ListFlags) => {
      const terminal = await context.terminal();
      const { verifyCached } = await import("../flash/catalogue/manage.js");
      for (const word of images) {
        const { path, by } = await verifyCached(word, { ...flags, note: (line) => terminal.note(line) });
        terminal.data(`${path}: ${by}`);
      }
    });
  image
    .command("import <file|url>")
    .summary("add an image of your own to the list")
    .description(
      "Add an image of your own to the list: a file is copied into the cache, an address needs its sum.",
    )
    .option("--id <id>", "what to call it (default: its file's name)")
    .option("--sha256 <digits>", "SHA-256 of the file")
    .option(
      "--init-format <format>",
      "how it takes settings before its first boot, as Raspberry Pi's list calls it",
    )
    .action(
      async (
        what: string,
        flags: { readonly id?: string; readonly sha256?: string; readonly initFormat?: string },
      ) => {
        const terminal = await context.terminal();
        const { importImage } = await import("../flash/catalogue/manage.js");
        terminal.note(`added ${await importImage(what, flags)}`);
      },
    );
}

const withList = (command: Command): Command =>
  command.option("--list <file|url>", "another list than Raspberry Pi's, or a copy of it");

export async function runImageList(flags: ImageListFlags, context: Context): Promise<ExitCode> {
  const terminal = await context.terminal();
  const { filterImages, loadCatalogue, recommended, warningsOf } =
    await import("../flash/catalogue/catalogue.js");
  const now = new Date();
  const all = await loadCatalogue(flags.list, (line) => terminal.note(line));
  const fitting = filterImages(all, {
    ...(flags.board !== undefined && { board: flags.board }),
    ...(flags.arch !== undefined && { architecture: flags.arch }),
  });
  const shown = fitting.filter(
    (image) =>
      flags.all === true ||
      image.listedBy === "you" ||
      (isServer(image) && warningsOf(image, now).length === 0),
  );
  const best = recommended(fitting, now);
  if (terminal.json) {
    const images = shown.map((image) => ({
      ...image,
      warnings: warningsOf(image, now),
      isRecommended: image === best,
    }));
    terminal.data(JSON.stringify({ version: 1, images }, null, 2));
    return ExitCode.Ok;
  }
  for (const image of shown) {
    terminal.data(`${image.id}${image === best ? "  (recommended)" : ""}\n  ${aboutImage(image)}`);
    for (const line of warningsOf(image, now)) terminal.data(`  ${terminal.dataPaint.yellow(line)}`);
  }
  if (shown.length === 0) terminal.note("no image fits; `--all` also shows desktops and old releases");
  return ExitCode.Ok;
}

/** Without a desktop, for a release that imcloud knows. */
const isServer = ({ id, release }: CatalogueImage): boolean =>
  release !== undefined && /lite|server/.test(id);

function aboutImage({
  name,
  architecture,
  releaseDate,
  packedBytes,
  sizeBytes,
  boards,
}: CatalogueImage): string {
  return [
    name,
    architecture,
    releaseDate,
    packedBytes && `${bytesInWords(packedBytes)} to fetch`,
    sizeBytes && `${bytesInWords(sizeBytes)} to write`,
    boards.join(" "),
  ]
    .filter((word) => word !== undefined && word !== "" && word !== 0)
    .join(", ");
}
