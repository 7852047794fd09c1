/**
 * The card of an emulated board: a boot partition with FAT, as the Pi's firmware wants it, and a root with ext4.
 *
 * Neither a loop device nor a mount is needed: mtools and mke2fs write into a file at an offset.
 *
 * Source: mtools(1) `@@`, mke2fs(8) `-d` and `-E offset`, Raspberry Pi documentation, "config.txt".
 */
import { open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { join } from "node:path";
import { tool } from "../tool.js";

const MIB = 1024 * 1024;
const SECTOR = 512;

/** QEMU's SD card wants a size that is a power of two. */
export const CARD = { sizeBytes: 4096 * MIB, bootStart: 4 * MIB, bootSize: 256 * MIB } as const;
const ROOT_START = CARD.bootStart + CARD.bootSize;

/** The three files that a Pi's firmware loads, and the one it reads first. */
export const BOOT_FILES = {
  kernel: "kernel8.img",
  initrd: "initramfs8",
  commandLine: "cmdline.txt",
} as const;
/**
 * A Cortex-A72 does not leak what Meltdown reads, and a Pi's kernel does not guard against it there. Debian's does, on
 * any CPU, where the kernel's place is random; the guard throws away all that the emulator knows of the memory, twice
 * for each system call.
 *
 * Source: the kernel's arch/arm64/kernel/cpufeature.c, `unmap_kernel_at_el0`; QEMU's target/arm/helper.c,
 * `vmsa_ttbr_write`.
 */
export const COMMAND_LINE =
  "console=ttyAMA0 root=LABEL=rootfs rootfstype=ext4 fsck.repair=yes rootwait net.ifnames=0 kpti=off\n";

/** As sfdisk(8) reads it. */
export function partitionTable(): string {
  const sectors = (bytes: number) => bytes / SECTOR;
  return [
    "label: dos",
    "label-id: 0xb0a2d001",
    `start=${sectors(CARD.bootStart)},size=${sectors(CARD.bootSize)},type=c,bootable`,
    `start=${sectors(ROOT_START)},type=83`,
    "",
  ].join("\n");
}

/** Where mtools finds the boot partition in an image. */
export const bootPartition = (image: string) => `${image}@@${CARD.bootStart / MIB}M`;

/**
 * Writes `sd.img`.
 *
 * @param root the root filesystem's folder; its /boot has one kernel
 * @param folder where the image goes
 */
export async function makeImage(root: string, folder: string): Promise<void> {
  const image = join(folder, "sd.img");
  const card = await open(image, "w");
  await card.truncate(CARD.sizeBytes);
  await card.close();
  await tool(["sfdisk", "--quiet", image], { input: partitionTable() });
  // Without -s 4, a partition of this size has too few clusters for FAT32.
  await tool([
    ...(["mkfs.vfat", "-F", "32", "-s", "4", "-n", "BOOTFS"] as const),
    ...["--offset", String(CARD.bootStart / SECTOR), image, String(CARD.bootSize / 1024)],
  ]);
  for (const [name, content] of await bootFiles(root)) {
    const path = join(folder, name);
    await writeFile(path, content);
    await tool(["mcopy", "-i", bootPartition(image), path, `::${name}`]);
    await rm(path);
  }
  await tool(
    [
      ...(["mke2fs", "-q", "-F", "-t", "ext4", "-L", "rootfs", "-d", root] as const),
      ...["-E", `offset=${ROOT_START},lazy_itable_init=1`, image],
      `${(CARD.sizeBytes - ROOT_START) / 1024}k`,
    ],
    { deadlineMs: 300_000 },
  );
}

async function bootFiles(root: string): Promise<readonly (readonly [string, string | Buffer])[]> {
  const boot = join(root, "boot");
  const version = (await readdir(boot)).find((name) => name.startsWith("vmlinuz-"))?.slice("vmlinuz-".length);
  if (version === undefined) throw new Error(`no kernel in ${boot}`);
  const kernel = await readFile(join(boot, `vmlinuz-${version}`));
  const isPacked = kernel[0] === 0x1f && kernel[1] === 0x8b;
  return [
    // As a Pi has it, and so that the emulated CPU does not unpack it.
    [BOOT_FILES.kernel, isPacked ? gunzipSync(kernel) : kernel],
    [BOOT_FILES.initrd, await readFile(join(boot, `initrd.img-${version}`))],
    [BOOT_FILES.commandLine, COMMAND_LINE],
    ["config.txt", "arm_64bit=1\n[all]\n"],
  ];
}
