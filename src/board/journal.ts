/**
 * The journal of a run: what its steps printed, and between that the markers that say where it is.
 *
 * A marker is a line of its own, `@imcloud NONCE TIME WORD ...`. The nonce is new for each run, so no
 * program's output can be taken for a marker. The runner writes an empty line before each marker, because a
 * program may end without a line end; that one is not output.
 */
export type JournalEvent =
  | { readonly kind: "begin"; readonly at: number; readonly bootId: string }
  | { readonly kind: "start"; readonly at: number; readonly step: string; readonly title: string }
  | { readonly kind: "done"; readonly at: number; readonly step: string; readonly result: StepResult }
  | { readonly kind: "end"; readonly at: number; readonly outcome: RunOutcome }
  | { readonly kind: "output"; readonly line: string };

/** `moved`: the board was no longer as it had been probed, and nothing was done. */
export type StepResult = { readonly kind: "exit"; readonly code: number } | { readonly kind: "moved" };
export type RunOutcome = "done" | "failed" | "stopped" | "locked";

const OUTCOMES: readonly string[] = ["done", "failed", "stopped", "locked"] satisfies RunOutcome[];

/**
 * Reads a journal line by line.
 *
 * @param nonce the run's own; 32 hex digits
 * @returns a function that takes a line without its line end and returns the events it completes
 */
export function journalReader(nonce: string): (line: string) => readonly JournalEvent[] {
  const prefix = `@imcloud ${nonce} `;
  let heldEmptyLines = 0;
  const emptyLines = (count: number): JournalEvent[] =>
    Array.from({ length: count }, () => ({ kind: "output", line: "" }));

  return (line) => {
    const event = line.startsWith(prefix) ? parseMarker(line.slice(prefix.length)) : undefined;
    if (event === undefined && line === "") {
      heldEmptyLines += 1;
      return [];
    }
    // The last empty line before a marker is the runner's own.
    const before = emptyLines(event === undefined ? heldEmptyLines : Math.max(0, heldEmptyLines - 1));
    heldEmptyLines = 0;
    return [...before, event ?? { kind: "output", line }];
  };
}

function parseMarker(text: string): JournalEvent | undefined {
  const [atMs, word, first, ...rest] = text.split(" ");
  const at = Number(atMs);
  if (!Number.isFinite(at) || first === undefined) return undefined;
  if (word === "begin") return { kind: "begin", at, bootId: first };
  if (word === "start") return { kind: "start", at, step: first, title: rest.join(" ") };
  if (word === "end" && OUTCOMES.includes(first)) return { kind: "end", at, outcome: first as RunOutcome };
  if (word !== "done" || rest[0] === undefined) return undefined;
  if (rest[0] === "moved") return { kind: "done", at, step: first, result: { kind: "moved" } };
  return /^\d+$/.test(rest[0])
    ? { kind: "done", at, step: first, result: { kind: "exit", code: Number(rest[0]) } }
    : undefined;
}
