/**
 * What is known of each board beyond the process that made it: `boards/NUMBER/board.json`.
 */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { z } from "zod";
import { ImcloudError } from "../shared/errors.js";
import { jsonIn } from "../shared/json-text.js";
import { boardPlace, FIRST_BOARD_NUMBER, LAST_BOARD_NUMBER, type LabLayout } from "./layout.js";
import { SUITES } from "./mirror.js";

export const BoardRecord = z.strictObject({
  number: z.int(),
  name: z.string(),
  suite: z.enum(SUITES),
  /** The root of the base that the board is a clone of. */
  base: z.string(),
  user: z.string(),
  model: z.string(),
  memoryMb: z.number(),
  /** Whether the memory is a limit, too, and not only what the board says. */
  memoryLimited: z.boolean(),
  /** The public host key: algorithm and base64. */
  hostKey: z.string(),
  /** As `ssh-keygen -l` prints it: `SHA256:...`. */
  fingerprint: z.string(),
  /** The process without which the board is litter; null for one that a person asked for. */
  owner: z.strictObject({ pid: z.int(), startTicks: z.int() }).nullable(),
  createdAt: z.iso.datetime(),
});
export type BoardRecord = z.infer<typeof BoardRecord>;

/**
 * Takes a number that no other board has. Its folder is the claim, so two processes never get the same.
 *
 * @throws ImcloudError `lab.failed` when the lab's network has no address left
 */
export async function claimNumber(lab: LabLayout): Promise<number> {
  await mkdir(lab.boardsFolder, { recursive: true, mode: 0o755 });
  for (let number = FIRST_BOARD_NUMBER; number <= LAST_BOARD_NUMBER; number += 1) {
    if (await madeFolder(boardPlace(lab, number).folder)) return number;
  }
  throw new ImcloudError("lab.failed", `the lab's network ${lab.network} is full`, {
    found: `${LAST_BOARD_NUMBER - FIRST_BOARD_NUMBER + 1} boards`,
    hint: "run `imcloud lab down`",
  });
}

export async function writeRecord(lab: LabLayout, record: BoardRecord): Promise<void> {
  await writeFile(boardPlace(lab, record.number).recordFile, `${JSON.stringify(record, undefined, 2)}\n`);
}

/** Every claimed number; `record` is missing while a board is being made, or when its maker died at that. */
export async function readRecords(
  lab: LabLayout,
): Promise<readonly { readonly number: number; readonly record: BoardRecord | undefined }[]> {
  const names = await readdir(lab.boardsFolder).catch(() => []);
  const numbers = names.map(Number).filter(Number.isInteger);
  return Promise.all(
    numbers
      .sort((one, other) => one - other)
      .map(async (number) => ({ number, record: await readRecord(lab, number) })),
  );
}

export async function removeBoardFolder(lab: LabLayout, number: number): Promise<void> {
  await rm(boardPlace(lab, number).folder, { recursive: true, force: true });
}

async function readRecord(lab: LabLayout, number: number): Promise<BoardRecord | undefined> {
  const text = await readFile(boardPlace(lab, number).recordFile, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  // Of a maker that died while it wrote, nothing.
  const parsed = BoardRecord.safeParse(jsonIn(text));
  return parsed.success ? parsed.data : undefined;
}

async function madeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}
