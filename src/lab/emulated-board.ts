/**
 * An emulated board in the hands of a test: an aarch64 kernel and CPU, disks that lose what was not flushed, udev,
 * every kernel parameter. A virtual board is a hundred times quicker; take this one for what only a machine has.
 *
 * What is real and what it costs is told in docs/lab.md.
 *
 * @example
 * await using kitchen = await emulatedBoard("kitchen", { forwards: [8448] });
 * await kitchen.cutPower();
 * await kitchen.restorePower(); // a cold boot from its disks: one to two minutes
 */
import { ACCOUNTS, type AccountName } from "./accounts.js";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { EmulatedBoard } from "./emulated/board.js";
import { ensureImage, imageIngredients } from "./emulated/image-cache.js";
import { imageName } from "./emulated/root.js";
import { claimBoard, releaseBoard } from "./emulated/boards.js";
import { emulatedLab } from "./emulated/layout.js";
import { prepareMachine } from "./emulated/programs.js";
import type { Forward, Hardware } from "./emulated/qemu.js";
import type { Ssd } from "./emulated/ssd.js";
import { ensureTemplate } from "./emulated/template.js";
import { labLayout } from "./layout.js";

export type { EmulatedBoard } from "./emulated/board.js";
export { prepareMachine } from "./emulated/programs.js";

export interface EmulatedBoardOptions {
  /** What the board has, in MiB; each amount is a template of its own. 2048 unless given. */
  readonly memoryMb?: number;
  /** `virtio` unless given; see {@link Hardware}. */
  readonly sd?: Hardware["sd"];
  readonly ssd?: Ssd;
  /** Further Debian packages that the board comes with, running; each set makes an image of its own, once. */
  readonly packages?: readonly string[];
  /** Ports beside SSH that this machine reaches at the board's address, under the same number. */
  readonly forwards?: readonly number[];
  /** The account that imcloud logs in with; `pi` unless given. */
  readonly user?: AccountName;
}

const say = (line: string) => process.stderr.write(`lab: ${line}\n`);

const CORES = 2;
const DEFAULT_MEMORY_MB = 2048;

/**
 * Makes a board and starts it; resolves when somebody can log in: in about ten seconds when its template is in the
 * cache, else in about ten minutes. It ends with `await using`, and with its process at the latest.
 *
 * @throws ImcloudError `lab.unavailable`, `lab.failed`, `lab.not-ready`
 */
export async function emulatedBoard(
  name: string,
  options: EmulatedBoardOptions = {},
): Promise<EmulatedBoard> {
  const lab = emulatedLab(labLayout());
  const hardware = hardwareOf(options);
  await prepareMachine(say);
  const { folder, ingredients } = await ensureTemplate(lab, hardware, options.packages ?? [], say);
  const record = await claimBoard(
    lab,
    ingredients,
    { name, user: options.user ?? ACCOUNTS.pi.name, memoryMb: hardware.memoryMb, template: folder },
    say,
  );
  const board = new EmulatedBoard(lab, record, {
    hardware,
    forwards: forwardsOf(options),
    ssd: options.ssd,
  });
  try {
    await board.thaw();
    return board;
  } catch (error) {
    await releaseBoard(lab, record.number);
    throw error;
  }
}

/** Makes the image and the template of a board with these options, if they are not in the cache: about ten minutes. */
export async function prepareEmulatedBoard(
  options: EmulatedBoardOptions,
  onProgress: (line: string) => void,
): Promise<void> {
  await prepareMachine(onProgress);
  await ensureTemplate(emulatedLab(labLayout()), hardwareOf(options), options.packages ?? [], onProgress);
}

/**
 * A board without a card, switched off: `insertCard` gives it one that somebody else wrote, of whose accounts the lab
 * knows nothing.
 */
export async function bareBoard(
  name: string,
  options: Pick<EmulatedBoardOptions, "forwards"> = {},
): Promise<EmulatedBoard> {
  const lab = emulatedLab(labLayout());
  const hardware = hardwareOf({});
  await prepareMachine(say);
  const ingredients = await imageIngredients(lab, []);
  const request = { name, user: ACCOUNTS.pi.name, memoryMb: hardware.memoryMb, template: "" };
  const record = await claimBoard(lab, ingredients, request, say);
  return new EmulatedBoard(lab, record, { hardware, forwards: forwardsOf(options), ssd: undefined });
}

/** @returns the image that emulated boards are made of, as a whole disk: from the cache, or made in ten minutes */
export async function emulatedImage(packages: readonly string[] = []): Promise<string> {
  const lab = emulatedLab(labLayout());
  await prepareMachine(say);
  return join(await ensureImage(lab, await imageIngredients(lab, packages), say), "sd.img");
}

/** Whether {@link emulatedImage} would take no time. Looks only. */
export async function isEmulatedImageReady(packages: readonly string[] = []): Promise<boolean> {
  const lab = emulatedLab(labLayout());
  if (!existsSync(lab.imagesFolder)) return false;
  return existsSync(join(lab.imagesFolder, await imageName(await imageIngredients(lab, packages))));
}

const forwardsOf = ({ forwards = [] }: Pick<EmulatedBoardOptions, "forwards">): readonly Forward[] =>
  forwards.map((port) => ({ machinePort: port, boardPort: port }));

function hardwareOf({ memoryMb = DEFAULT_MEMORY_MB, sd = "virtio" }: EmulatedBoardOptions): Hardware {
  return { memoryMb, cores: CORES, sd };
}
