/**
 * Secrets come from files: one a file, a final line break is not part of it.
 */
import { readFileSync } from "node:fs";

/** @throws Error with the file's name, never its content, when it cannot be read or is empty */
export function readSecretFile(path: string): string {
  const text = readFileSync(path, "utf8").replace(/\r?\n$/, "");
  if (text === "") throw new Error(`${path} is empty`);
  return text;
}
