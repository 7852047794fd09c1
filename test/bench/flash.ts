/**
 * What flashing costs against what people type: `xz -dc | dd`, then `sha256sum` of what is read back.
 *
 * To loop devices over files of the bench's own. The image is like a system's: half of it programs and libraries of this
 * machine, half of it nothing. Both sides flush what they wrote and read it back past the page cache.
 */
import { mkdtemp, open, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { packageRoot } from "../../src/shared/package-root.js";
import { compared, inTurns, measured, type Bench } from "./metric.js";

const MIB = 1_048_576;
const IMAGE_MIB = Number(process.env["IMCLOUD_BENCH_MIB"] ?? 4096);
const TURNS = 3;
const CLI = join(packageRoot(), "dist", "bin", "imcloud.js");

interface Usage {
  readonly wallS: number;
  readonly cpuS: number;
  readonly peakMb: number;
}

interface Setup extends AsyncDisposable {
  readonly image: string;
  readonly drives: readonly string[];
}

export const write: Bench = {
  name: "write",
  summary: `an image of ${IMAGE_MIB} MiB (.xz) to a drive and read back, against \`xz -dc | dd\` and sha256sum`,

  async run(report, say) {
    await using setup = await prepare(1, say);
    const ours: Usage[] = [];
    const plain: Usage[] = [];
    const wall = await inTurns(
      TURNS,
      async () => last(ours, await flash(setup, setup.drives)).wallS,
      async () => last(plain, await byHand(setup)).wallS,
    );
    report(compared({ bench: "write", metric: "wall", unit: "s", goal: { atMost: 1.05 } }, wall));
    const cpu = ours.map(({ cpuS }, index) => ({ value: cpuS, baseline: plain[index]?.cpuS ?? NaN }));
    report(compared({ bench: "write", metric: "CPU", unit: "s", goal: { atMost: 1.15 } }, cpu));
    const peaks = ours.map(({ peakMb }) => peakMb);
    report(measured({ bench: "write", metric: "largest process", unit: "MB", goal: { atMost: 150 } }, peaks));
  },
};

export const writeN: Bench = {
  name: "write-n",
  summary: "four drives at once, against one of them alone",

  async run(report, say) {
    await using setup = await prepare(4, say);
    const four: Usage[] = [];
    const one: Usage[] = [];
    const wall = await inTurns(
      TURNS,
      async () => last(four, await flash(setup, setup.drives)).wallS,
      async () => last(one, await flash(setup, setup.drives.slice(0, 1))).wallS,
    );
    report(compared({ bench: "write-n", metric: "wall", unit: "s", goal: { atMost: 1.1 } }, wall));
    const cpu = four.map(({ cpuS }, index) => ({ value: cpuS, baseline: one[index]?.cpuS ?? NaN }));
    report(compared({ bench: "write-n", metric: "CPU", unit: "s" }, cpu));
  },
};

function last(all: Usage[], usage: Usage): Usage {
  all.push(usage);
  return usage;
}

/** An image, and drives that it fits on. */
async function prepare(drives: number, say: (line: string) => void): Promise<Setup> {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-bench-"));
  const raw = join(folder, "image");
  say(`making an image of ${IMAGE_MIB} MiB`);
  await (await open(raw, "w")).close();
  await truncate(raw, IMAGE_MIB * MIB);
  const halfMib = Math.floor(IMAGE_MIB / 2);
  await execa("sh", [
    "-c",
    `tar -cf - /usr 2>/dev/null | head -c ${halfMib * MIB} | dd of=${raw} bs=1M seek=4 conv=notrunc iflag=fullblock status=none`,
  ]);
  await execa("sfdisk", ["--quiet", raw], {
    input: "start=8192, size=65536, type=c\nstart=73728, type=83\n",
  });
  await execa("xz", ["-1T0", raw]);
  const paths: string[] = [];
  for (let index = 0; index < drives; index += 1) {
    const file = join(folder, `drive${index}`);
    await (await open(file, "w")).close();
    await truncate(file, IMAGE_MIB * MIB);
    paths.push((await execa("losetup", ["--find", "--show", file])).stdout);
  }
  return {
    image: `${raw}.xz`,
    drives: paths,
    [Symbol.asyncDispose]: async () => {
      await execa("losetup", ["--detach", ...paths]);
      await rm(folder, { recursive: true });
    },
  };
}

async function flash({ image }: Setup, drives: readonly string[]): Promise<Usage> {
  const ids = drives.map((path) => path.replace("/dev/", ""));
  return used(
    [process.execPath, CLI, "flash", "--image", image, "--to", ...ids, "--yes", ...ids, "--quiet"],
    drives,
  );
}

async function byHand({ image, drives }: Setup): Promise<Usage> {
  const [drive = ""] = drives;
  const script = `xz -dc ${image} | dd of=${drive} bs=4M conv=fsync iflag=fullblock status=none
    blockdev --flushbufs ${drive}; sha256sum ${drive} >/dev/null`;
  return used(["sh", "-c", script], drives);
}

/** By getrusage(2), all that it started and waited for; the peak is that of its largest process. */
async function used(command: readonly string[], drives: readonly string[]): Promise<Usage> {
  const before = performance.now();
  const script =
    "import json,resource,subprocess,sys\ncode=subprocess.run(sys.argv[1:]).returncode\nu=resource.getrusage(resource.RUSAGE_CHILDREN)\nprint(json.dumps([u.ru_utime+u.ru_stime,u.ru_maxrss/1024]))\nsys.exit(code)";
  const { stdout } = await execa("python3", ["-c", script, ...command], {
    env: { IMCLOUD_FLASH_ONLY: drives.join(":") },
  });
  const [cpuS = NaN, peakMb = NaN] = JSON.parse(stdout.split("\n").at(-1) ?? "") as number[];
  return { wallS: (performance.now() - before) / 1000, cpuS, peakMb };
}
