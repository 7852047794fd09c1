/**
 * What was once found out about a large file of the operator's, kept until its size or time say that it is another.
 *
 * Hashing 107 MB takes a quarter of a second, and every run wants to know.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Source } from "../board/transport.js";
import { cacheFolder, readOptional, writePrivate } from "../files/operator-files.js";

/**
 * The answer of `work`, or what it was when the file was last as it is.
 *
 * @param about what is asked of the file; one word, part of the note's name
 * @param work its answer is one line
 */
export async function noteOn(path: string, about: string, work: () => Promise<string>): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  const name = createHash("sha256").update(path).digest("hex");
  const notePath = join(cacheFolder(), "hashes", about === "sha256" ? name : `${name}.${about}`);
  const stamp = `${size} ${mtimeMs}`;
  const [noted, answer] = ((await readOptional(notePath)) ?? "").split("\n");
  if (noted === stamp && answer !== undefined && answer !== "") return answer;
  const found = await work();
  await writePrivate(notePath, `${stamp}\n${found}\n`);
  return found;
}

/** @returns hexadecimal digits */
export function hashOf(path: string, algorithm: "sha256" | "sha512"): Promise<string> {
  return noteOn(path, algorithm, async () => {
    const hash = createHash(algorithm);
    await pipeline(createReadStream(path), hash);
    return hash.digest("hex");
  });
}

/** A file as boards get it. */
export async function sourceOf(path: string): Promise<Source> {
  const { size } = await stat(path);
  return { path, sha256: await hashOf(path, "sha256"), sizeBytes: size };
}
