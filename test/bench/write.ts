/**
 * What flashing costs against what people type: `xz -dc | dd`, then `sha256sum` of what is read back.
 *
 * To a drive as fast as this machine's disk, where unpacking sets the pace, and to one as slow as a card. Both sides flush
 * what they wrote and read it back past the page cache.
 */
import { byHand, byImcloud } from "./flash/commands.js";
import { benchDrives, installFlashTools, ofKind } from "./flash/drives.js";
import { benchImage, IMAGE_MIB } from "./flash/image.js";
import { usageOf } from "./flash/usage.js";
import { workFolder } from "./flash/work-folder.js";
import { compared, inTurns, measured, type Bench } from "./metric.js";

const TURNS = 3;

export const write: Bench = {
  name: "write",
  summary: `an image of ${IMAGE_MIB} MiB (.xz) to a drive and read back, against \`xz -dc | dd\` and sha256sum`,

  async run(report, say) {
    await installFlashTools(say);
    using folder = workFolder();
    const image = await benchImage(folder.path, IMAGE_MIB, say);
    for (const kind of ["disk", "card"] as const) {
      const drives = await benchDrives(folder.path, kind, 1, image.sizeBytes);
      const [drive = ""] = drives;
      const pairs = await inTurns(
        TURNS,
        () => usageOf(byImcloud(image, drives), folder.path),
        () => usageOf(byHand(image, drive), folder.path),
      );
      const of = (figure: "wallS" | "cpuS") =>
        pairs.map(({ value, baseline }) => ({ value: value[figure], baseline: baseline[figure] }));
      const heading = { bench: "write", unit: "s" };
      report(compared({ ...heading, metric: ofKind("wall", kind), goal: { atMost: 1.05 } }, of("wallS")));
      report(compared({ ...heading, metric: ofKind("CPU", kind), goal: { atMost: 1.15 } }, of("cpuS")));
      const peaks = pairs.map(({ value }) => value.peakMb);
      report(
        measured(
          {
            ...{ bench: "write", metric: ofKind("largest process", kind), unit: "MB" },
            goal: { atMost: 150 },
          },
          peaks,
        ),
      );
    }
  },
};
