import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { packageRoot } from "../../../src/shared/package-root.js";

const SCRIPT = join(packageRoot(), "scripts", "test.sh");

test.each([[["nonsense"]], [["fault-long", "more"]], [[""]]])(
  "%j is refused before anything runs, with what is allowed",
  async (words) => {
    const { exitCode, stdout, stderr } = await execa("bash", [SCRIPT, ...words], {
      reject: false,
      timeout: 10_000,
    });
    expect([exitCode, stdout]).toEqual([64, ""]);
    expect(stderr).toBe(
      `test.sh does not know \`${words.join(" ")}\`; it takes nothing (all tests, short) or \`fault-long\` (the fault tests, long)`,
    );
  },
);
