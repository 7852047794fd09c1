/** A flash's progress in words and in numbers: what, how far, how fast, how long still. */
import type { FlashImage } from "../flash/flash.js";
import { mappedBytes } from "../flash/read-image.js";
import type { Phase, WriteProgress } from "../flash/write.js";
import type { Amount, FleetProgress } from "../fleet/progress.js";

const WORDS: Readonly<Record<Phase, string>> = {
  writing: "writing",
  verifying: "reading back",
  customising: "making the settings",
  finishing: "writing the partition table",
};

/** On a terminal the line is drawn anew; a log gets few of them. */
const EVERY_MS = { animated: 500, log: 10_000, numbers: 1_000 };

interface Lane {
  phase: Phase;
  bytes: number;
  ofBytes: number | undefined;
  readonly startedMs: number;
  saidMs: number;
  measuredMs: number;
}

export interface Shown {
  /** Of the targets. */
  readonly names: readonly string[];
  readonly image: Pick<FlashImage, "ranges" | "sizeBytes">;
  readonly isAnimated: boolean;
  /** What goes before the words on the target of that index. */
  readonly about?: (index: number) => string;
}

export function flashProgress(
  progress: FleetProgress,
  { names, image, isAnimated, about = () => "" }: Shown,
  now: () => number = () => performance.now(),
): Pick<WriteProgress, "phase" | "moved"> {
  const imageBytes = bytesToWrite(image);
  const lanes = new Map<number, Lane>();
  const row = (index: number) => progress.board(names[index] ?? "");
  const say = (index: number, words: string) => row(index).doing(`${about(index)}${words}`);
  const measure = (index: number, lane: Lane) => {
    lane.measuredMs = now();
    row(index).measured(amountOf(lane, now() - lane.startedMs));
  };
  return {
    phase: (index, phase, ofBytes) => {
      const before = lanes.get(index);
      // Writing is where a card begins: what went before was another one.
      if (before !== undefined && before.bytes > 0 && phase !== "writing") measure(index, before);
      const at = now();
      const size = phase === "writing" ? imageBytes : ofBytes;
      const lane = { phase, bytes: 0, ofBytes: size, startedMs: at, saidMs: at, measuredMs: at };
      lanes.set(index, lane);
      say(index, WORDS[phase]);
      measure(index, lane);
    },
    moved: (index, bytes) => {
      const lane = lanes.get(index);
      if (lane === undefined) return;
      lane.bytes += bytes;
      if (now() - lane.measuredMs >= EVERY_MS.numbers) measure(index, lane);
      if (now() - lane.saidMs < (isAnimated ? EVERY_MS.animated : EVERY_MS.log)) return;
      lane.saidMs = now();
      say(index, inWords(lane.phase, amountOf(lane, now() - lane.startedMs)));
    },
  };
}

function bytesToWrite({ sizeBytes, ranges }: Shown["image"]): number | undefined {
  return ranges === undefined || sizeBytes === undefined ? sizeBytes : mappedBytes(ranges, sizeBytes);
}

function amountOf({ phase, bytes, ofBytes }: Lane, elapsedMs: number): Amount {
  const perMs = bytes > 0 && elapsedMs > 0 ? bytes / elapsedMs : undefined;
  return {
    ...{ phase, bytes },
    ...(ofBytes !== undefined && { ofBytes }),
    ...(perMs !== undefined && { bytesPerSecond: Math.round(perMs * 1000) }),
    ...(perMs !== undefined &&
      ofBytes !== undefined && { secondsLeft: Math.ceil(Math.max(0, ofBytes - bytes) / perMs / 1000) }),
  };
}

/** @example "writing 35 %, 21.4 MB/s, 2 min 10 s left" */
function inWords(phase: Phase, { bytes, ofBytes, bytesPerSecond = 0, secondsLeft }: Amount): string {
  const speed = `${(bytesPerSecond / 1e6).toFixed(1)} MB/s`;
  if (ofBytes === undefined || ofBytes === 0 || secondsLeft === undefined)
    return `${WORDS[phase]}, ${Math.round(bytes / 1e6)} MB, ${speed}`;
  const percent = Math.min(100, Math.floor((bytes / ofBytes) * 100));
  return `${WORDS[phase]} ${percent} %, ${speed}, ${timeInWords(secondsLeft)} left`;
}

/** @example timeInWords(130) // "2 min 10 s" */
function timeInWords(seconds: number): string {
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  return minutes === 0 ? `${rest} s` : rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
}
