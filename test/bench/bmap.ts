/**
 * A sparse image by its bmap file, against bmaptool, which writes and flushes, and reads nothing back.
 *
 * Source: bmaptool(1), of Debian's package bmap-tools.
 */
import { join } from "node:path";
import { execa } from "execa";
import { byImcloud, onlyTo } from "./flash/commands.js";
import { benchDrives, installFlashTools, ofKind } from "./flash/drives.js";
import { benchImage, IMAGE_MIB } from "./flash/image.js";
import { usageOf } from "./flash/usage.js";
import { workFolder } from "./flash/work-folder.js";
import { compared, inTurns, type Bench } from "./metric.js";

const TURNS = 3;

export const bmap: Bench = {
  name: "bmap",
  summary: `an image of ${IMAGE_MIB} MiB (.xz), half of it holes, by its bmap, against bmaptool`,

  async run(report, say) {
    await installFlashTools(say);
    using folder = workFolder();
    const image = await benchImage(folder.path, IMAGE_MIB, say);
    const file = join(folder.path, "system.bmap");
    await execa("bmaptool", ["create", "--output", file, image.raw]);
    for (const kind of ["disk", "card"] as const) {
      const drives = await benchDrives(folder.path, kind, 1, image.sizeBytes);
      const words = ["bmaptool", "--quiet", "copy", "--bmap", file, image.packed, ...drives];
      const pairs = await inTurns(
        TURNS,
        () => usageOf(byImcloud(image, drives, ["--bmap", file, "--no-verify", "--quiet"]), folder.path),
        () => usageOf({ words, env: onlyTo(drives) }, folder.path),
      );
      const of = (figure: "wallS" | "cpuS") =>
        pairs.map(({ value, baseline }) => ({ value: value[figure], baseline: baseline[figure] }));
      const heading = { bench: "bmap", unit: "s" };
      report(compared({ ...heading, metric: ofKind("wall", kind), goal: { atMost: 1.05 } }, of("wallS")));
      report(compared({ ...heading, metric: ofKind("CPU", kind) }, of("cpuS")));
    }
  },
};
