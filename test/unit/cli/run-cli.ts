/** The command line in this process: what it prints and how it ends. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { mkdir } from "node:fs/promises";
import { vi } from "vitest";
import { run } from "../../../src/cli/run.js";

export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * @param files of the operator's folder, by name
 * @returns with the folder's own path left out of what was printed
 */
export async function runCli(
  args: readonly string[],
  files: Readonly<Record<string, string>> = {},
  environment: Readonly<Record<string, string>> = {},
): Promise<CliRun> {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-cli-"));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content, { mode: 0o600 });
  }
  const before = process.cwd();
  const printed = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((stream) =>
    vi.spyOn(process[stream], "write").mockImplementation((text) => {
      printed[stream] += String(text);
      return true;
    }),
  );
  vi.stubEnv("NO_COLOR", "1");
  vi.stubEnv("CI", "");
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  vi.stubEnv("IMCLOUD_CACHE", join(folder, "cache"));
  process.chdir(folder);
  try {
    const exitCode = await run(args);
    return {
      exitCode,
      stdout: printed.stdout.replaceAll(folder, "."),
      stderr: printed.stderr.replaceAll(folder, "."),
    };
  } finally {
    process.chdir(before);
    process.exitCode = undefined;
    for (const spy of spies) spy.mockRestore();
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  }
}
