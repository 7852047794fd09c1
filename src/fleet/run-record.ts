/**
 * What a run did, on the operator's side: `.imcloud/runs/`. One JSON file a run, in the words of `--json`.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { writePrivate } from "../files/operator-files.js";
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
