/**
 * Four drives at once against one of them alone: unpacked once.
 *
 * To drives as fast as this machine's disk, which they share, and to four as slow as a card, which do not. Then a card
 * beside one that is much slower, against itself alone: each goes at its own speed.
 */
import { basename } from "node:path";
import { execa } from "execa";
import { byImcloud } from "./flash/commands.js";
import {
  benchDrives,
  CARD_MB_S,
  installFlashTools,
  ofKind,
  SLOW_CARD_MB_S,
  type DriveKind,
} from "./flash/drives.js";
import { benchImage, IMAGE_MIB, type BenchImage } from "./flash/image.js";
import { meteredProgram, usageOf, type MeteredProgram, type Usage } from "./flash/usage.js";
import { workFolder } from "./flash/work-folder.js";
import { compared, inTurns, type Bench } from "./metric.js";

const DRIVES = 4;
const TURNS = 3;

/** With what of it went into unpacking. */
interface Flash extends Usage {
  readonly unpackingS: number;
}

export const writeN: Bench = {
  name: "write-n",
  summary: "four drives at once, against one of them alone",

  async run(report, say) {
    await installFlashTools(say);
    using folder = workFolder();
    const image = await benchImage(folder.path, IMAGE_MIB, say);
    const xz = await meteredProgram("xz", folder.path);
    const drives = (kind: DriveKind, count: number) => benchDrives(folder.path, kind, count, image.sizeBytes);
    await compare("disk", await drives("disk", DRIVES), image, xz, folder.path, report);
    const cards = await drives("card", DRIVES);
    await compare("card", cards, image, xz, folder.path, report);
    await compareUnequal([...cards.slice(0, 1), ...(await drives("slow-card", 1))], image, report);
  },
};

async function compare(
  kind: "disk" | "card",
  drives: readonly string[],
  image: BenchImage,
  xz: MeteredProgram,
  folder: string,
  report: Parameters<Bench["run"]>[0],
): Promise<void> {
  const flash = async (to: readonly string[]): Promise<Flash> => {
    const { words, env } = byImcloud(image, to);
    const PATH = `${xz.folder}:${process.env["PATH"] ?? ""}`;
    const usage = await usageOf({ words, env: { ...env, PATH } }, folder);
    return { ...usage, unpackingS: (await xz.take()).reduce((sum, { cpuS }) => sum + cpuS, 0) };
  };
  const pairs = await inTurns(
    TURNS,
    () => flash(drives),
    () => flash(drives.slice(0, 1)),
  );
  const of = (figure: keyof Flash) =>
    pairs.map(({ value, baseline }) => ({ value: value[figure], baseline: baseline[figure] }));
  const heading = { bench: "write-n", unit: "s" };
  const goal = { atMost: 1.1 };
  report(compared({ ...heading, metric: ofKind("wall", kind), goal }, of("wallS")));
  report(compared({ ...heading, metric: ofKind("CPU of unpacking", kind), goal }, of("unpackingS")));
  report(compared({ ...heading, metric: ofKind("CPU", kind) }, of("cpuS")));
}

/** @param drives the first is compared with itself alone */
async function compareUnequal(
  drives: readonly string[],
  image: BenchImage,
  report: Parameters<Bench["run"]>[0],
): Promise<void> {
  const pairs = await inTurns(
    TURNS,
    () => untilEnded(image, drives),
    () => untilEnded(image, drives.slice(0, 1)),
  );
  const metric = `wall of a card of ${CARD_MB_S} MB/s beside one of ${SLOW_CARD_MB_S}`;
  report(compared({ bench: "write-n", unit: "s", metric, goal: { atMost: 1.1 } }, pairs));
}

/** Seconds until the first of those drives is through; the others are then stopped. */
async function untilEnded(image: BenchImage, drives: readonly string[]): Promise<number> {
  const { words, env } = byImcloud(image, drives, ["--json"]);
  const [program = "", ...parameters] = words;
  const startMs = performance.now();
  const child = execa(program, parameters, { env, reject: false as const });
  let endMs: number | undefined;
  for await (const line of child.iterable({ from: "stderr" })) {
    if (!line.startsWith("{") || endMs !== undefined) continue;
    const { event, board, isGood } = JSON.parse(line) as Record<string, unknown>;
    if (event !== "ended" || board !== basename(drives[0] ?? "") || isGood !== true) continue;
    endMs = performance.now();
    child.kill("SIGINT");
  }
  const { stdout } = await child;
  if (endMs === undefined) throw new Error(`nothing was written: ${stdout}`);
  return (endMs - startMs) / 1000;
}
