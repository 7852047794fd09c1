/**
 * Rows of a conversation, and the blocks that they are drawn in: an end that grows while somebody scrolls is a block or
 * two, and the others stay as they are.
 */
import type { MatrixEvent } from "matrix-js-sdk";

/** Rows that are drawn, laid out and moved as one: what is added at one end costs the others nothing. */
const BLOCK = 12;

export interface Row {
  readonly id: string;
  readonly event: MatrixEvent;
  /** Another one whenever what the row shows has changed. */
  readonly version: number;
  readonly kind: "message" | "state";
  /** A day begins with it. */
  readonly isNewDay: boolean;
  /** It goes on with what the same person said just before. */
  readonly isContinued: boolean;
  /** It is the first that is new since the room was opened. */
  readonly isFirstNew: boolean;
  /** Those who have read up to here and no further: user ids with spaces between them. */
  readonly readers: string;
}

/** Rows that follow one another; the same object for as long as they are the same. */
export interface Block {
  readonly id: number;
  readonly rows: readonly Row[];
}

/**
 * The rows in the blocks that they were in before; what is new at an end fills the block there, and then others.
 *
 * @returns blocks with ids that grow, and the objects of before where nothing of them has changed
 */
export function inBlocks(rows: readonly Row[], before: readonly Block[]): readonly Block[] {
  const known = new Map(before.flatMap(({ id, rows }) => rows.map((row) => [row.id, { id, row }])));
  const place = placesOf(rows.map(({ id }) => known.get(id)?.id));
  const blocks: { readonly id: number; readonly rows: Row[] }[] = [];
  rows.forEach((row, index) => {
    const was = known.get(row.id)?.row;
    const it = was !== undefined && isSame(was, row) ? was : row;
    const id = place[index] ?? 0;
    const last = blocks.at(-1);
    if (last?.id === id) last.rows.push(it);
    else blocks.push({ id, rows: [it] });
  });
  const old = new Map(before.map((block) => [block.id, block]));
  return blocks.map((block) => {
    const was = old.get(block.id);
    const isUnchanged =
      was?.rows.length === block.rows.length && block.rows.every((row, index) => row === was.rows[index]);
    return isUnchanged ? was : block;
  });
}

/** @param known the block of each row, if it was in one @returns one for each, never a lower one than before it */
function placesOf(known: readonly (number | undefined)[]): readonly number[] {
  const first = known.findIndex((id) => id !== undefined);
  const last = known.reduce<number>((last, id, index) => (id === undefined ? last : index), -1);
  const places: number[] = [];
  let highest = known[first] ?? 0;
  for (let index = Math.max(0, first); index < known.length; index += 1) {
    const isFull = index > last && places.length >= BLOCK && places.at(-BLOCK) === highest;
    highest = Math.max(highest, known[index] ?? (isFull ? highest + 1 : highest));
    places.push(highest);
  }
  for (let index = first - 1; index >= 0; index -= 1) {
    const lowest = places[0] ?? 0;
    places.unshift(places[BLOCK - 1] === lowest ? lowest - 1 : lowest);
  }
  return places;
}

const isSame = (one: Row, other: Row): boolean =>
  one.event === other.event &&
  one.version === other.version &&
  one.kind === other.kind &&
  one.isNewDay === other.isNewDay &&
  one.isContinued === other.isContinued &&
  one.isFirstNew === other.isFirstNew &&
  one.readers === other.readers;
