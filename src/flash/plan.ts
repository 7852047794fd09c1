/** What a flash is going to do, and the word by which somebody says that this is what he has read. */
import { createHash } from "node:crypto";
import { LARGE_BYTES, type ChosenTarget } from "./choose-target.js";

export interface FlashPlan {
  readonly image: { readonly name: string; readonly sha256?: string; readonly sizeBytes?: number };
  readonly targets: readonly ChosenTarget[];
  /** What is done besides, in words: settings, boards. */
  readonly further: readonly string[];
}

/** Eight digits: enough to tell that it is this plan and not yesterday's. */
export function planHash({ image, targets, further }: FlashPlan): string {
  const told = [
    image,
    targets.map(({ name, path, kind, sizeBytes, identity }) => ({ name, path, kind, sizeBytes, identity })),
    further,
  ];
  return createHash("sha256").update(JSON.stringify(told)).digest("hex").slice(0, 8);
}

/** Nothing is lost by writing to these: no question about them. */
export const isHarmless = ({ kind, exists }: ChosenTarget): boolean => kind === "file" && exists !== true;

/** Drives that are rather somebody's data than a card. */
export const isLarge = ({ kind, sizeBytes = 0 }: ChosenTarget): boolean =>
  kind === "drive" && sizeBytes > LARGE_BYTES;

/**
 * Whether somebody has typed what only who looked at the drive knows.
 *
 * @param typed its serial number, or its size as `imcloud drives` shows it: `512`, `512 GB`, `512.1GB`
 */
export function knowsDrive({ drive, sizeBytes = 0 }: ChosenTarget, typed: string): boolean {
  const word = typed.trim();
  if (drive !== undefined && drive.serial !== "" && word === drive.serial) return true;
  const gigabytes = Number(/^(\d+(?:\.\d+)?)\s*(?:GB)?$/i.exec(word)?.[1]);
  return Math.abs(gigabytes - sizeBytes / 1e9) < 1;
}
