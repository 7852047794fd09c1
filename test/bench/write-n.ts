/**
 * Four drives at once against one of them alone: unpacked once, at the pace of the slowest.
 *
 * To drives as fast as this machine's disk, which they share, and to four as slow as a card, which do not.
 */
import { byImcloud } from "./flash/commands.js";
import { benchDrives, installFlashTools, ofKind, type DriveKind } from "./flash/drives.js";
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
    for (const kind of ["disk", "card"] as const) await compare(kind, image, xz, folder.path, report);
  },
};

async function compare(
  kind: DriveKind,
  image: BenchImage,
  xz: MeteredProgram,
  folder: string,
  report: Parameters<Bench["run"]>[0],
): Promise<void> {
  const drives = await benchDrives(folder, kind, DRIVES, image.sizeBytes);
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
