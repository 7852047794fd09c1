import { tmpdir } from "node:os";
import { defineConfig } from "vitest/config";

/** Whatever a test does, `imcloud flash` writes to none of this machine's drives; tests with drives of their own name them. */
process.env["IMCLOUD_FLASH_ONLY"] = `${tmpdir()}:/var/tmp`;

/** Files with boards of their own at once: they wait for them half of the time, and more would come to time limits. */
const AT_ONCE = 2;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          testTimeout: 20_000,
          // Reading the same modules anew for each of a hundred files takes as long as the tests.
          isolate: false,
        },
      },
      {
        test: {
          name: "web",
          include: ["test/web/**/*.test.ts"],
          globalSetup: "test/e2e/fresh-build.ts",
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: "test/e2e/fresh-build.ts",
          testTimeout: 300_000,
          hookTimeout: 300_000,
          maxWorkers: AT_ONCE,
        },
      },
      {
        test: {
          name: "fault",
          include: ["test/fault/**/*.test.ts"],
          globalSetup: "test/e2e/fresh-build.ts",
          testTimeout: 600_000,
          hookTimeout: 300_000,
          maxWorkers: AT_ONCE,
        },
      },
    ],
  },
});
