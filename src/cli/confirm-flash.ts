/** Shows what a flash is going to do, and sees to it that somebody wants that. */
import type { ChosenTarget } from "../flash/choose-target.js";
import { isHarmless, isLarge, knowsDrive, planHash, type FlashPlan } from "../flash/plan.js";
import { ImcloudError } from "../shared/errors.js";
import { renderDrive } from "./drives.js";
import type { Terminal } from "./terminal.js";
import { bytesInWords } from "./words.js";

export interface ConfirmFlags {
  /** The plan's hash, or the id of each target. */
  readonly yes?: readonly string[];
  /** Serial numbers or sizes of large drives. */
  readonly large?: readonly string[];
}

/** @throws ImcloudError `cli.usage`, `cli.missing-answer` unless it is wanted */
export async function confirmFlash(
  plan: FlashPlan,
  { yes = [], large = [] }: ConfirmFlags,
  terminal: Terminal,
): Promise<void> {
  const hash = planHash(plan);
  terminal.note(renderFlashPlan(plan, hash));
  const lost = plan.targets.filter((target) => !isHarmless(target));
  if (lost.length === 0) return;
  for (const target of lost.filter((one) => !isLargeNamed(one, large))) {
    if (yes.length > 0) throw largeUnnamed(target);
    const question = `${target.name} has ${bytesInWords(target.sizeBytes ?? 0)}. Type its serial number or its size in GB to go on:`;
    const typed = await terminal.input(question, "`--large SERIAL`, or its size in GB");
    if (!knowsDrive(target, typed)) throw largeUnnamed(target, typed);
  }
  if (yes.length === 0) {
    const instead = `\`--yes ${hash}\`, or \`--yes\` with the id of what is to be overwritten`;
    if (await terminal.confirm("Overwrite all of this?", instead)) return;
    throw new ImcloudError("cli.missing-answer", "nothing was written", { hint: "say yes to go on" });
  }
  const unnamed = lost.find(({ name }) => !yes.includes(name));
  if (yes.includes(hash) || unnamed === undefined) return;
  throw new ImcloudError("cli.usage", "`--yes` does not fit this plan", {
    found: yes.join(" "),
    expected: `${hash}, or ${lost.map(({ name }) => name).join(" ")}`,
    hint: "read the plan: drives, sizes or the image are not what they were when the hash was made",
  });
}

/** @throws ImcloudError `cli.usage` about a large drive that the operator has not named as such */
export function assertLargeNamed(target: ChosenTarget, large: readonly string[] = []): void {
  if (!isLargeNamed(target, large)) throw largeUnnamed(target);
}

const isLargeNamed = (target: ChosenTarget, large: readonly string[]): boolean =>
  !isLarge(target) || large.some((word) => knowsDrive(target, word));

/** Lines: what is written, and what is lost. */
export function renderFlashPlan({ image, targets, further }: FlashPlan, hash: string): string {
  const size = image.sizeBytes === undefined ? "" : `, ${bytesInWords(image.sizeBytes)}`;
  return [
    `plan ${hash}: write ${image.name}${size} to`,
    ...targets.flatMap((target) => inLines(target)).map((line) => `  ${line}`),
    ...further.map((line) => `  ${line}`),
  ].join("\n");
}

function inLines({ name, drive, exists, mounts = [] }: ChosenTarget): readonly string[] {
  if (drive === undefined)
    return [`${name}${exists === true ? "  (a file that is there; it is replaced)" : ""}`];
  const warning = mounts.length > 0 ? "it is unmounted, and all of this is lost" : "all of this is lost";
  const named = drive.isStable ? [] : ["  this machine knows no lasting name of it"];
  return [...renderDrive(drive).split("\n"), ...named, `  ${warning}`];
}

function largeUnnamed({ name, sizeBytes = 0 }: ChosenTarget, typed?: string): ImcloudError {
  return new ImcloudError("cli.usage", `\`${name}\` is large for a card: ${bytesInWords(sizeBytes)}`, {
    found: typed ?? "neither its serial number nor its size",
    expected: "its serial number, or its size in GB",
    hint: "if it is the right one, give `--large` with one of the two; `imcloud drives --all` shows both",
  });
}
