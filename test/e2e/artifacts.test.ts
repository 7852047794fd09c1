/**
 * What goes to boards runs on the oldest of them: Ubuntu 18.04 has glibc 2.27 and an older libstdc++.
 */
import { execa } from "execa";
import { expect, test } from "vitest";
import { runtimeFile } from "../../src/fleet/artifacts.js";

const OLDEST_GLIBC = [2, 27] as const;

test.each(["linux-arm64", "linux-x64"])(
  "the runtime for %s needs no newer glibc and no libstdc++",
  async (platform) => {
    const path = await runtimeFile(platform, (what) => process.stderr.write(`fetching ${what}\n`));
    const { stdout: versions } = await execa("readelf", ["--version-info", "--wide", path]);
    const needed = [...versions.matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(
      ([, major, minor]) => [Number(major), Number(minor)] as const,
    );
    expect(needed.length).toBeGreaterThan(0);
    const tooNew = needed.filter(
      ([major, minor]) => major > OLDEST_GLIBC[0] || (major === OLDEST_GLIBC[0] && minor > OLDEST_GLIBC[1]),
    );
    expect(tooNew).toEqual([]);
    const { stdout: libraries } = await execa("readelf", ["--dynamic", "--wide", path]);
    expect(libraries).not.toContain("libstdc++");
  },
);
