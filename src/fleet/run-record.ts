/**
 * What a run did, on the operator's side: `.imcloud/runs/`. One JSON file a run, in the words of `--json`.
 */
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type z } from "zod";
import { readOptional, writePrivate } from "../files/operator-files.js";
import { ImcloudError } from "../shared/errors.js";
import { jsonIn } from "../shared/json-text.js";
import { type Workspace } from "./workspace.js";

export interface RunRecord {
  readonly version: 1;
  readonly command: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly exitCode: number;
  readonly boards: Readonly<Record<string, unknown>>;
}

/** @returns the file's path; names sort by time */
export async function recordRun({ runs }: Workspace, record: RunRecord): Promise<string> {
  const time = record.startedAt.replaceAll(/[-:]|\.\d+Z$/g, "").replace("T", "-");
  const path = join(runs, `${time}-${record.command}-${randomBytes(2).toString("hex")}.json`);
  await writePrivate(path, `${JSON.stringify(record, null, 2)}\n`);
  return path;
}

/**
 * @param schema what the caller reads of a record; those that it does not fit are left out
 * @param command whose records alone are looked at; else all of them
 * @returns the youngest first
 * @throws ImcloudError config.invalid for a file that is no record: what it said would be missing in silence
 */
export async function readRuns<T>(
  { runs }: Workspace,
  schema: z.ZodType<T>,
  command = "",
): Promise<readonly T[]> {
  const records: T[] = [];
  const isWanted = (name: string) =>
    name.endsWith(".json") && (command === "" || name.includes(`-${command}-`));
  for (const name of (await namesIn(runs)).filter(isWanted).toSorted()) {
    const path = join(runs, name);
    const record = jsonIn((await readOptional(path)) ?? "null");
    if (record === undefined) throw damaged(path);
    const parsed = schema.safeParse(record);
    if (parsed.success) records.unshift(parsed.data);
  }
  return records;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

const damaged = (path: string) =>
  new ImcloudError("config.invalid", `\`${path}\` is not what imcloud wrote there`, {
    origin: { file: path, line: 1 },
    hint: "move it away: it is the record of one run, which nothing but `rollback` and `tune --measure` reads",
  });
