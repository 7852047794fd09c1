/**
 * The operations of the client-server API, as operations.txt has them: derived from the specification by tally.ts, and
 * kept, because the specification is not always at hand.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

export const OPERATIONS = join(import.meta.dirname, "operations.txt");
const LEFT_OUT = join(import.meta.dirname, "left-out.yaml");

export interface Operation {
  /** `GET /_matrix/client/v3/rooms/{roomId}/state` */
  readonly name: string;
  /** The errors that it is specified to answer with, but for 5xx; ascending. */
  readonly errors: readonly number[];
}

export function readOperations(): readonly Operation[] {
  return readFileSync(OPERATIONS, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [method, path, ...errors] = line.split(" ");
      return { name: `${method} ${path}`, errors: errors.map(Number) };
    });
}

/** Whole operations, and single errors as `GET /path 404`, that are not to be had, each list with its reason. */
export function readLeftOut(): ReadonlySet<string> {
  const lists = parse(readFileSync(LEFT_OUT, "utf8")) as { why: string; operations: readonly string[] }[];
  return new Set(lists.flatMap(({ operations }) => operations));
}
