/**
 * How long the CLI takes to say anything at all, against Node.js doing nothing.
 */
import { join } from "node:path";
import { execa } from "execa";
import { packageRoot } from "../../src/shared/package-root.js";
import { compared, inTurns, PAIRS, timed, type Bench } from "./metric.js";

const CLI = join(packageRoot(), "dist", "bin", "imcloud.js");
/** A start is short; several in a row are one sample. */
const STARTS = 5;

export const start: Bench = {
  name: "start",
  summary: "`imcloud --version` and `imcloud --help` against `node -e 0`",

  async run(report) {
    const run = (...args: string[]) =>
      timed(async () => {
        for (let index = 0; index < STARTS; index += 1) await execa(process.execPath, args);
      }).then((total) => total / STARTS);

    for (const flag of ["--version", "--help"]) {
      await run(CLI, flag); // the first one reads the disk
      const pairs = await inTurns(
        PAIRS,
        () => run(CLI, flag),
        () => run("-e", "0"),
      );
      report(
        compared({ bench: "start", metric: `imcloud ${flag}`, unit: "ms", goal: { atMost: 2.5 } }, pairs),
      );
    }
  },
};
