/**
 * The facts of the last run, so that the next one can ask everything in one exec. A board that changed is
 * noticed, because the probe brings its facts too.
 */
import { join } from "node:path";
import { Facts } from "../board/facts.js";
import { readOptional, writePrivate } from "../files/operator-files.js";
import { type Workspace } from "./workspace.js";

/** @returns undefined when nothing is remembered, or a version of imcloud remembered something else */
export async function rememberedFacts({ facts }: Workspace, board: string): Promise<Facts | undefined> {
  const text = await readOptional(join(facts, `${board}.json`));
  if (text === undefined) return undefined;
  try {
    return Facts.parse(JSON.parse(text));
  } catch {
    return undefined; // it is a cache: what cannot be read is asked again
  }
}

export async function rememberFacts({ facts }: Workspace, board: string, now: Facts): Promise<void> {
  const path = join(facts, `${board}.json`);
  const text = `${JSON.stringify(now, null, 2)}\n`;
  if ((await readOptional(path)) !== text) await writePrivate(path, text);
}
