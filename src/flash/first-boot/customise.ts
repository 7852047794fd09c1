/**
 * Puts first-boot settings on a card whose image is written and verified: decides on the format, refuses what it
 * cannot say, and edits the boot partition.
 */
import type { FirstBootFormat } from "../../config/first-boot.js";
import { ImcloudError } from "../../shared/errors.js";
import type { Secret } from "../../shared/secret.js";
import type { WrittenTarget } from "../types.js";
import { refuseImpossible } from "./abilities.js";
import { commandLineFile, kernelArguments, withArguments, withSetting } from "./boot-files.js";
import { cloudInitArguments, cloudInitFiles } from "./cloud-init.js";
import { fatPartition, type FatPartition } from "./fat.js";
import { fatNames, lookInto, shownFormat, type ImageEvidence } from "./image.js";
import type { Seed } from "./seed.js";
import { FIRST_RUN, firstRunArguments, firstRunScript } from "./systemd.js";
import { customToml, rpiPreseedToml } from "./toml.js";

export interface FormatWish {
  /** What the operator says, which counts. */
  readonly named?: FirstBootFormat;
  /** What the catalogue says of the image; the image must agree. */
  readonly catalogued?: FirstBootFormat;
}

/** What was found out and done. */
export interface Customised {
  readonly format: FirstBootFormat;
  readonly image: ImageEvidence;
}

/**
 * @throws ImcloudError `flash.format-unknown`, `flash.setting-refused` before anything is written;
 *   `flash.tool-missing`, `flash.partition-damaged`
 */
export async function customiseCard(
  target: WrittenTarget,
  seed: Seed,
  wish: FormatWish,
): Promise<Customised> {
  const fat = fatPartition(target);
  const image = await lookInto(target);
  const format = decideFormat(wish, shownFormat(image, await fatNames(fat)), image);
  refuseImpossible(seed, format, image);
  const { files, argumentsAfter } = await contentOf(seed, format, image);
  const commandLine = await findCommandLine(fat);

  for (const [name, content] of files) await fat.write(name, content);
  if (seed.watchdog) await fat.edit("config.txt", (text) => withSetting(text, "dtparam=watchdog=on"));
  // Last: what it asks for is there by then.
  await fat.edit(commandLine, (text) => withArguments(text, [...kernelArguments(seed), ...argumentsAfter]));
  return { format, image };
}

/**
 * Pure. A guess is refused: settings in a format that the image does not read are settings that nobody applies.
 *
 * @param shown what the image itself shows
 * @throws ImcloudError `flash.format-unknown`
 */
export function decideFormat(
  { named, catalogued }: FormatWish,
  shown: FirstBootFormat | undefined,
  { prettyName }: Pick<ImageEvidence, "prettyName">,
): FirstBootFormat {
  if (named === "none")
    throw unknown(
      "`none` takes no first-boot settings",
      "settings to be written",
      "leave out the settings: only the image is written then",
    );
  if (named !== undefined) return named;
  if (shown === undefined) {
    throw unknown(
      "nothing in the image says how it takes first-boot settings",
      prettyName === "" ? "a root that cannot be read, or is none of Linux" : prettyName,
      "say it with `--format` if you know it, or leave out the settings",
    );
  }
  // What reads the one is in the image of the other as well: raspberrypi-sys-mods has both.
  const isSame =
    catalogued === undefined || catalogued === shown || (catalogued === "custom.toml" && shown === "systemd");
  if (isSame) return catalogued ?? shown;
  throw unknown(
    "the image shows another first-boot format than its catalogue entry",
    `${shown}, by what is installed in ${prettyName === "" ? "it" : prettyName}`,
    `say which it is: \`--format ${shown}\` or \`--format ${catalogued}\``,
    catalogued,
  );
}

interface Content {
  /** In the order in which they are written. */
  readonly files: ReadonlyMap<string, Secret | string>;
  /** For the end of the kernel's command line. */
  readonly argumentsAfter: readonly string[];
}

async function contentOf(seed: Seed, format: FirstBootFormat, image: ImageEvidence): Promise<Content> {
  switch (format) {
    case "systemd":
      return {
        files: new Map([[FIRST_RUN, await firstRunScript(seed)]]),
        argumentsAfter: firstRunArguments(image.bootFolder),
      };
    case "cloudinit":
    case "cloudinit-rpi":
      return { files: cloudInitFiles(seed, format), argumentsAfter: cloudInitArguments(seed, format) };
    case "custom.toml":
      return { files: new Map([["custom.toml", customToml(seed)]]), argumentsAfter: [] };
    case "rpi-preseed":
      return { files: new Map([["rpi-preseed.toml", rpiPreseedToml(seed)]]), argumentsAfter: [] };
    case "none":
      return { files: new Map(), argumentsAfter: [] };
  }
}

/** @throws ImcloudError `flash.partition-damaged` where there is none: a new one would lack `root=` */
async function findCommandLine(fat: FatPartition): Promise<string> {
  const file = commandLineFile((await fat.read("config.txt")) ?? "");
  if ((await fat.read(file)) === undefined) throw noCommandLine(file);
  return file;
}

function noCommandLine(file: string): ImcloudError {
  return new ImcloudError("flash.partition-damaged", `the boot partition has no \`${file}\``, {
    found: "a partition that no Raspberry Pi would boot from",
    hint: "flash an image for the Raspberry Pi",
  });
}

function unknown(message: string, found: string, hint: string, expected?: string): ImcloudError {
  return new ImcloudError("flash.format-unknown", message, {
    found,
    ...(expected !== undefined && { expected }),
    hint,
  });
}
