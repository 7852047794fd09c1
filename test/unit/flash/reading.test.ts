/** Which drives go on together, and which begin anew. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BLOCK_BYTES, type Block } from "../../../src/flash/blocks.js";
import { Reading, type Follower, type Known } from "../../../src/flash/reading.js";
import { sha256, tinyImage } from "./images.js";

const IMAGE = tinyImage(24);
const GIB = 1_073_741_824;
/** As many as may be on their way, with the first, which is kept. */
const GIVEN = 13;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Takes whatever it is given, and says of itself what the test makes it say. */
class TestFollower implements Follower {
  isOpen = true;
  busyMs = 0;
  doneBytes = 0;
  readonly offsets: number[] = [];
  readonly #held: Block[] = [];
  #isHolding: boolean;

  constructor(isHolding = false) {
    this.#isHolding = isHolding;
  }

  reading: Reading | undefined;

  follow(reading: Reading): void {
    this.reading = reading;
  }

  give(block: Block): void {
    this.offsets.push(block.offset / BLOCK_BYTES);
    if (!this.#isHolding) return;
    block.slot.hold(1);
    this.#held.push(block);
  }

  endOfImage(): void {
    this.isOpen = false;
  }

  letGo(): void {
    this.#isHolding = false;
    for (const { slot } of this.#held.splice(0)) slot.release();
  }

  /** What it took for so many MiB. */
  wrote(mib: number, seconds: number): void {
    this.doneBytes = mib * BLOCK_BYTES;
    this.busyMs = seconds * 1000;
  }
}

const content = (image = IMAGE, sizeBytes = 4 * GIB) => ({
  name: "tiny.img",
  sizeBytes,
  async *read() {
    yield await Promise.resolve(image);
  },
});
const nobody = () => false;
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

/** A reading that stands still, because one of its drives holds all that it has been given. */
async function standing(followers: readonly TestFollower[], sizeBytes?: number) {
  const parted: { followers: readonly Follower[]; known: Known }[] = [];
  const reading = new Reading(content(IMAGE, sizeBytes), followers, (leaving, known) => {
    parted.push({ followers: leaving, known });
    return true;
  });
  await vi.waitUntil(() => followers[0]?.offsets.length === GIVEN);
  const look = () => vi.advanceTimersByTime(1_000);
  return { reading, parted, look };
}

test("who is twice as fast begins anew, behind what it has; the slowest goes on with the rest", async () => {
  const [slow, fast] = [new TestFollower(true), new TestFollower()];
  const { reading, parted, look } = await standing([slow, fast]);
  slow.wrote(10, 6);
  fast.wrote(13, 3);
  look();
  const known = { bytes: GIVEN * BLOCK_BYTES, sha256: sha256(IMAGE.subarray(0, GIVEN * BLOCK_BYTES)) };
  expect(parted).toEqual([{ followers: [fast], known }]);
  slow.letGo();
  await reading.image;
  expect(slow.offsets).toEqual(upTo(24));
  expect(fast).toMatchObject({ offsets: upTo(GIVEN), isOpen: true });

  const again = new Reading(content(), [fast], nobody, known);
  expect(fast.reading).toBe(again);
  expect(slow.reading).toBe(reading);
  expect(await again.image).toMatchObject({ sha256: sha256(IMAGE) });
  expect(fast).toMatchObject({ offsets: upTo(24), isOpen: false });
});

test.each([
  ["about as fast as the slowest", { mib: 13, seconds: 6.5 }, 6, 4 * GIB],
  ["twice as fast, near the end", { mib: 13, seconds: 3 }, 6, 30 * BLOCK_BYTES],
  ["twice as fast for a moment", { mib: 13, seconds: 1 }, 2, 4 * GIB],
])("who is %s stays", async (_, { mib, seconds }, slowSeconds, sizeBytes) => {
  const [slow, other] = [new TestFollower(true), new TestFollower()];
  const { reading, parted, look } = await standing([slow, other], sizeBytes);
  slow.wrote(10, slowSeconds);
  other.wrote(mib, seconds);
  look();
  expect(parted).toEqual([]);
  slow.letGo();
  await reading.image;
  expect(other.offsets).toEqual(upTo(24));
});

test("a drive that hangs from its first block on keeps nobody", async () => {
  const [hung, ...others] = [new TestFollower(true), new TestFollower(), new TestFollower()];
  const { reading, parted, look } = await standing([hung, ...others]);
  hung.busyMs = 20_000;
  for (const other of others) other.wrote(13, 2);
  look();
  expect(parted).toMatchObject([{ followers: others }]);
  hung.letGo();
  await reading.image;
});

test("where no further reading may begin, all stay", async () => {
  const [slow, fast] = [new TestFollower(true), new TestFollower()];
  const reading = new Reading(content(), [slow, fast], nobody);
  await vi.waitUntil(() => slow.offsets.length === GIVEN);
  slow.wrote(10, 60);
  fast.wrote(13, 1);
  vi.advanceTimersByTime(1_000);
  slow.letGo();
  await reading.image;
  expect(fast.offsets).toEqual(upTo(24));
});

test("an image that is another one the second time is not mixed with the first", async () => {
  const follower = new TestFollower();
  const known = { bytes: 5 * BLOCK_BYTES, sha256: sha256(IMAGE.subarray(0, 5 * BLOCK_BYTES)) };
  const other = Buffer.from(IMAGE);
  other.writeUInt8(other.readUInt8(3 * BLOCK_BYTES) ^ 1, 3 * BLOCK_BYTES);
  const reading = new Reading(content(other), [follower], nobody, known);
  await expect(reading.image).rejects.toMatchObject({
    code: "flash.image-damaged",
    message: "tiny.img changed while it was read",
  });
  expect(follower).toMatchObject({ offsets: [], isOpen: false });
});
