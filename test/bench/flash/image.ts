/**
 * An image like a system's for a Raspberry Pi: a FAT partition to start from, and an ext4 root that is half full with
 * programs and libraries of this machine. What is not used of it are holes.
 */
import { mkdir, open, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { BOOKWORM, rootOf } from "../../unit/flash/first-boot/card.js";

export const MIB = 1_048_576;
export const IMAGE_MIB = Number(process.env["IMCLOUD_BENCH_MIB"] ?? 4096);
const SECTOR_BYTES = 512;
const BOOT = { offset: 4 * MIB, size: 64 * MIB };
const ROOT_OFFSET = BOOT.offset + BOOT.size;
/** Of programs and libraries: most are small, some are not. */
const FILE_BYTES = 300_000;

export interface BenchImage {
  /** As it comes onto the card. */
  readonly raw: string;
  /** By xz, as Raspberry Pi OS comes. */
  readonly packed: string;
  readonly sizeBytes: number;
}

export async function benchImage(
  folder: string,
  mib: number,
  say: (line: string) => void,
): Promise<BenchImage> {
  say(`making an image of ${mib} MiB`);
  const raw = join(folder, `system-${mib}.img`);
  const sizeBytes = mib * MIB;
  const file = await open(raw, "w");
  await file.truncate(sizeBytes);
  await file.close();
  const sectors = (bytes: number) => bytes / SECTOR_BYTES;
  await execa("sfdisk", ["--quiet", raw], {
    input: `label: dos\nstart=${sectors(BOOT.offset)}, size=${sectors(BOOT.size)}, type=c\nstart=${sectors(ROOT_OFFSET)}, type=83\n`,
  });
  await makeBoot(raw);
  await makeRoot(raw, join(folder, "root"), mib);
  await execa("xz", ["-1kT0", raw]);
  return { raw, packed: `${raw}.xz`, sizeBytes };
}

async function makeBoot(raw: string): Promise<void> {
  await execa("mkfs.vfat", [
    ...["-F", "32", "-s", "1", "--offset", String(BOOT.offset / SECTOR_BYTES)],
    ...[raw, String(BOOT.size / 1024)],
  ]);
  const files = { "cmdline.txt": "root=PARTUUID=1-02 rootwait\n", "config.txt": "arm_64bit=1\n" };
  for (const [name, input] of Object.entries(files))
    await execa("mcopy", ["-i", `${raw}@@${BOOT.offset}`, "-", `::${name}`], {
      input,
      env: { MTOOLS_SKIP_CHECK: "1" },
    });
}

async function makeRoot(raw: string, tree: string, mib: number): Promise<void> {
  for (const [name, text] of Object.entries(rootOf(BOOKWORM, ["raspberrypi-sys-mods"]))) {
    await mkdir(dirname(join(tree, name)), { recursive: true });
    await writeFile(join(tree, name), text);
  }
  const content = `tar -cf - /usr 2>/dev/null | head -c ${(mib * MIB - ROOT_OFFSET) / 2} | split -a 6 -b ${FILE_BYTES} - ${tree}/file.`;
  await execa("sh", ["-c", content]);
  const size = `${(mib * MIB - ROOT_OFFSET) / 1024}k`;
  await execa("mke2fs", ["-q", "-F", "-t", "ext4", "-d", tree, "-E", `offset=${ROOT_OFFSET}`, raw, size]);
  await rm(tree, { recursive: true });
}
