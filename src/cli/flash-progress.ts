/** A flash's progress in words: what, how far, how fast, how long still. */
import type { Phase, WriteProgress } from "../flash/write.js";
import type { FleetProgress } from "../fleet/progress.js";

const WORDS: Readonly<Record<Phase, string>> = {
  writing: "writing",
  verifying: "reading back",
  customising: "making the settings",
  finishing: "writing the partition table",
};

/** On a terminal the line is drawn anew; a log gets few of them. */
const EVERY_MS = { animated: 500, log: 10_000 };

interface Lane {
  phase: Phase;
  bytes: number;
  ofBytes: number | undefined;
  readonly startedMs: number;
  saidMs: number;
}

export interface Shown {
  /** Of the targets. */
  readonly names: readonly string[];
  /** Of the unpacked image, if known. */
  readonly imageBytes: number | undefined;
  readonly isAnimated: boolean;
  /** What goes before the words on the target of that index. */
  readonly about?: (index: number) => string;
}

export function flashProgress(
  progress: FleetProgress,
  { names, imageBytes, isAnimated, about = () => "" }: Shown,
  now: () => number = () => performance.now(),
): Pick<WriteProgress, "phase" | "moved"> {
  const lanes = new Map<number, Lane>();
  const say = (index: number, words: string) =>
    progress.board(names[index] ?? "").doing(`${about(index)}${words}`);
  return {
    phase: (index, phase, ofBytes) => {
      const size = phase === "writing" ? imageBytes : ofBytes;
      lanes.set(index, { phase, bytes: 0, ofBytes: size, startedMs: now(), saidMs: now() });
      say(index, WORDS[phase]);
    },
    moved: (index, bytes) => {
      const lane = lanes.get(index);
      if (lane === undefined) return;
      lane.bytes += bytes;
      if (now() - lane.saidMs < (isAnimated ? EVERY_MS.animated : EVERY_MS.log)) return;
      lane.saidMs = now();
      say(index, inWords(lane, now() - lane.startedMs));
    },
  };
}

/** @example "writing 35 %, 21.4 MB/s, 2 min 10 s left" */
function inWords({ phase, bytes, ofBytes }: Lane, elapsedMs: number): string {
  const perMs = bytes / elapsedMs;
  const speed = `${(perMs / 1000).toFixed(1)} MB/s`;
  if (ofBytes === undefined || ofBytes === 0)
    return `${WORDS[phase]}, ${Math.round(bytes / 1e6)} MB, ${speed}`;
  const percent = Math.min(100, Math.floor((bytes / ofBytes) * 100));
  return `${WORDS[phase]} ${percent} %, ${speed}, ${timeInWords(Math.max(0, ofBytes - bytes) / perMs)} left`;
}

/** @example timeInWords(130_000) // "2 min 10 s" */
function timeInWords(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  return minutes === 0 ? `${rest} s` : rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
}
