/** What a command costs, with all that it starts. */
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { packageRoot } from "../../../src/shared/package-root.js";

export interface Usage {
  readonly wallS: number;
  readonly cpuS: number;
  /** Of its largest process. */
  readonly peakMb: number;
}

export interface Command {
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

const METER = join(packageRoot(), "test", "bench", "flash", "usage.py");

/** @param folder for what is measured on the way */
export async function usageOf({ words, env = {}, cwd }: Command, folder: string): Promise<Usage> {
  const file = join(folder, "usage");
  await rm(file, { force: true });
  await execa("python3", [METER, file, ...words], { env, ...(cwd !== undefined && { cwd }) });
  const [usage] = await usagesIn(file);
  if (usage === undefined) throw new Error(`nothing was measured of ${words.join(" ")}`);
  return usage;
}

/** A program by whose name another is run and measured, as often as somebody runs it. */
export interface MeteredProgram {
  /** To be put before PATH. */
  readonly folder: string;
  /** Since the last time that this was asked. */
  take(): Promise<readonly Usage[]>;
}

export async function meteredProgram(name: string, folder: string): Promise<MeteredProgram> {
  const [programs, file] = [join(folder, "programs"), join(folder, `usage-of-${name}`)];
  const { stdout: real } = await execa("which", [name]);
  await mkdir(programs, { recursive: true });
  await writeFile(join(programs, name), `#!/bin/sh\nexec python3 '${METER}' '${file}' '${real}' "$@"\n`);
  await chmod(join(programs, name), 0o755);
  return {
    folder: programs,
    take: async () => {
      const usages = await usagesIn(file);
      await rm(file, { force: true });
      return usages;
    },
  };
}

async function usagesIn(file: string): Promise<readonly Usage[]> {
  const text = await readFile(file, "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [wallS, cpuS, peakMb] = JSON.parse(line) as [number, number, number];
      return { wallS, cpuS, peakMb };
    });
}
