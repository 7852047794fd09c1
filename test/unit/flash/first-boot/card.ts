/**
 * A card in a file of the test's own: a FAT partition and, where asked for, an ext4 root, at the offsets of a real one.
 */
import { mkdir, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import type { Extent, WrittenTarget } from "../../../../src/flash/types.js";

const MIB = 1024 * 1024;
const BOOT = { offset: 4 * MIB, size: 40 * MIB };
const ROOT = { offset: 44 * MIB, size: 16 * MIB };

export interface Card extends AsyncDisposable {
  readonly target: WrittenTarget;
  /** @returns what fsck says of a copy of the partition; rejects where it is not clean */
  check(): Promise<string>;
  /** A file of the boot partition. */
  read(name: string): Promise<string>;
  list(): Promise<string>;
}

export interface CardFiles {
  readonly boot: Readonly<Record<string, string | Uint8Array>>;
  /** By their path; none: the card has no root that could be read. */
  readonly root?: Readonly<Record<string, string>>;
}

export async function card({ boot, root }: CardFiles): Promise<Card> {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-card-"));
  const path = join(folder, "card.img");
  const file = await open(path, "w");
  await file.truncate(ROOT.offset + ROOT.size);
  await file.close();
  await execa("mkfs.vfat", [
    "-F",
    "32",
    "-s",
    "1",
    "--offset",
    String(BOOT.offset / 512),
    path,
    String(BOOT.size / 1024),
  ]);
  const env = { MTOOLS_SKIP_CHECK: "1" };
  const image = `${path}@@${BOOT.offset}`;
  for (const [name, input] of Object.entries(boot))
    await execa("mcopy", ["-i", image, "-", `::${name}`], { env, input });
  if (root !== undefined) {
    const tree = join(folder, "root");
    for (const [name, text] of Object.entries(root)) {
      await mkdir(dirname(join(tree, name)), { recursive: true });
      await writeFile(join(tree, name), text);
    }
    await execa("mke2fs", [
      "-q",
      "-F",
      "-t",
      "ext4",
      "-d",
      tree,
      "-E",
      `offset=${ROOT.offset}`,
      path,
      `${ROOT.size / 1024}k`,
    ]);
  }
  return {
    target: { path, boot: BOOT, ...(root !== undefined && { root: ROOT }) },
    async check() {
      const part = join(folder, "boot.img");
      await execa("dd", [
        `if=${path}`,
        `of=${part}`,
        "bs=1M",
        `skip=${BOOT.offset / MIB}`,
        `count=${BOOT.size / MIB}`,
      ]);
      return (await execa("fsck.vfat", ["-n", part], { all: true })).all;
    },
    read: async (name) =>
      (await execa("mtype", ["-i", image, `::${name}`], { env, stripFinalNewline: false })).stdout,
    list: async () => (await execa("mdir", ["-b", "-i", image, "::/"], { env })).stdout,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

/** Gives a card a partition table: it is an image then. @returns its path */
export async function partitioned({ target: { path, boot, root } }: Card): Promise<string> {
  const part = ({ offset, size }: Extent, type: string) =>
    `start=${offset / 512},size=${size / 512},type=${type}`;
  const parts = [part(boot, "c"), ...(root === undefined ? [] : [part(root, "83")])];
  await execa("sfdisk", ["--quiet", path], { input: ["label: dos", ...parts, ""].join("\n") });
  return path;
}

/** The root of an image by what marks it. */
export function rootOf(
  osRelease: string,
  packages: readonly string[],
  bootFolder = "/boot/firmware",
): Record<string, string> {
  return {
    "usr/lib/os-release": osRelease,
    "etc/fstab": `PARTUUID=1-02 / ext4 defaults 0 1\nPARTUUID=1-01 ${bootFolder} vfat defaults 0 2\n`,
    ...Object.fromEntries(packages.map((name) => [`var/lib/dpkg/info/${name}.list`, "/.\n"])),
  };
}

export const BOOKWORM = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n';
export const TRIXIE = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_ID="13"\nID=debian\n';
export const BUSTER = 'PRETTY_NAME="Raspbian GNU/Linux 10 (buster)"\nVERSION_ID="10"\nID=raspbian\n';
export const NOBLE = 'PRETTY_NAME="Ubuntu 24.04.3 LTS"\nVERSION_ID="24.04"\nID=ubuntu\n';
export const JAMMY = 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nVERSION_ID="22.04"\nID=ubuntu\n';
