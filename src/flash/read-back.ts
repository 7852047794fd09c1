/**
 * Whether a drive gives back what was written to it, and if not, what kind of lie it is.
 *
 * A card with a forged size either begins anew at its real end, so that its beginning holds what was meant for later,
 * or keeps nothing from there on. What else differs is damage.
 */
import { createHash } from "node:crypto";
import type { BlockPool, Mark } from "./blocks.js";
import { fakeCapacity, interrupted, readsOtherwise } from "./errors.js";
import type { Target } from "./target.js";

interface Difference {
  readonly mark: Mark;
  readonly found: Buffer;
}

/** So many blocks must tell the same before a card is called a forgery. */
const WITNESSES = 4;

/**
 * @param marks what was written, ascending
 * @throws ImcloudError `flash.verify-failed`, `flash.interrupted`
 */
export async function readBack(
  target: Target,
  marks: readonly Mark[],
  pool: BlockPool,
  onRead: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const slots = [await pool.take(), await pool.take()] as const;
  const differences: Difference[] = [];
  try {
    const begin = (index: number) => {
      const mark = marks[index];
      return mark && target.read(slots[index % 2 === 0 ? 0 : 1], mark.length, mark.offset);
    };
    let reading = begin(0);
    for (const [index, mark] of marks.entries()) {
      const bytes = await reading;
      if (signal?.aborted === true) throw interrupted(target.request.name);
      // The drive goes on while this one is hashed.
      reading = begin(index + 1);
      reading?.catch(() => undefined); // awaited in the next turn, if there is one
      const found = bytes === undefined ? undefined : createHash("sha256").update(bytes).digest();
      if (found?.equals(mark.digest) === false) differences.push({ mark, found });
      onRead(mark.length);
    }
  } finally {
    for (const slot of slots) slot.release();
  }
  if (differences.length > 0) throw judged(target, marks, differences);
}

function judged({ request }: Target, marks: readonly Mark[], differences: readonly Difference[]): Error {
  const keeps = wrapsAt(marks, differences) ?? endsAt(marks, differences);
  if (keeps !== undefined) return fakeCapacity(request.name, request.sizeBytes, keeps);
  const wrong = differences.reduce((sum, { mark }) => sum + mark.length, 0);
  return readsOtherwise(request.name, differences[0]?.mark.offset ?? 0, wrong);
}

/** @returns the size that explains why blocks turn up earlier than where they were written */
function wrapsAt(marks: readonly Mark[], differences: readonly Difference[]): number | undefined {
  const written = new Map(
    marks.filter(({ isZero }) => !isZero).map(({ digest, offset }) => [digest.toString("hex"), offset]),
  );
  const votes = new Map<number, number>();
  for (const { mark, found } of differences) {
    const distance = (written.get(found.toString("hex")) ?? 0) - mark.offset;
    if (distance > 0) votes.set(distance, (votes.get(distance) ?? 0) + 1);
  }
  const [best] = [...votes].sort(([, one], [, other]) => other - one);
  return best !== undefined && best[1] >= WITNESSES ? best[0] : undefined;
}

/** @returns where the part begins of which nothing is there, up to the end */
function endsAt(marks: readonly Mark[], differences: readonly Difference[]): number | undefined {
  const first = differences[0]?.mark.offset ?? 0;
  const wrong = new Set(differences.map(({ mark }) => mark.offset));
  const behind = marks.filter(({ offset, isZero }) => offset >= first && !isZero);
  const isNothing = behind.length >= WITNESSES && behind.every(({ offset }) => wrong.has(offset));
  return isNothing && first > 0 ? first : undefined;
}
