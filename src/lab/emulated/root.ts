/**
 * The root filesystem of an emulated board: Debian 12 for arm64, with a kernel.
 *
 * Nearly all of its eight minutes are dpkg, depmod and the initrd, run by an emulator of single programs.
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { aptCacheUrl } from "../apt-cache.js";
import { partsOf, type Mirror } from "../mirror.js";
import { BOARD_PACKAGES, baseName, labTemplates, type Recipe } from "../rootfs.js";
import { tool } from "../tool.js";
import { BUILD_DEADLINE_MS } from "./cache.js";
import { CARD, COMMAND_LINE } from "./image.js";
import { SUITE, type EmulatedLab } from "./layout.js";

/**
 * Beyond what a virtual board has: a kernel and its disk, and the tools of a Raspberry Pi OS that look at both. And what
 * the playbook `ssd` would install: apt takes an emulated CPU a minute and a half.
 */
const PACKAGES = [
  ...BOARD_PACKAGES,
  "curl",
  "dosfstools",
  "fdisk",
  "initramfs-tools",
  "iputils-ping",
  "linux-image-arm64",
  "rsync",
  "sg3-utils",
  "util-linux-extra",
  "zstd",
];

/** The address at which a board's network has the lab's apt cache. */
export const APT_CACHE_IN_BOARD = { host: "10.0.2.100", port: 3142 } as const;

/** What goes into an image: its public keys are on it, so others' keys make another image. */
export interface ImageIngredients {
  readonly packages: readonly string[];
  readonly mirror: Mirror;
  readonly authorizedKey: string;
  readonly hostKey: string;
}

/** @returns the name of the image's folder */
export async function imageName(ingredients: ImageIngredients): Promise<string> {
  return baseName(imageRecipe(ingredients, await templateFiles()));
}

/** @param files the contents of the scripts and files that go in, by their path */
export function imageRecipe(
  { packages, mirror, authorizedKey, hostKey }: ImageIngredients,
  files: Readonly<Record<string, string>>,
): Recipe {
  return {
    suite: SUITE,
    packages: [...PACKAGES, ...packages],
    mirror,
    files: { ...files, card: JSON.stringify(CARD), commandLine: COMMAND_LINE, authorizedKey, hostKey },
  };
}

/**
 * Builds the root into an empty folder. The apt cache must run, and the machine run aarch64 programs.
 *
 * @param root where it goes
 */
export async function buildRoot(
  lab: EmulatedLab,
  ingredients: ImageIngredients,
  root: string,
): Promise<void> {
  const kit = `${root}.kit`;
  await mkdir(kit, { recursive: true });
  await writeFile(join(kit, "authorized_keys"), `${ingredients.authorizedKey}\n`);
  for (const name of await readdir(lab.hostKeysFolder))
    await writeFile(join(kit, name), await readFile(join(lab.hostKeysFolder, name)), { mode: 0o600 });
  const { host, port } = APT_CACHE_IN_BOARD;
  const apt = [...ingredients.mirror.aptOptions, `Acquire::http::Proxy "http://${host}:${port}";`];
  await writeFile(join(kit, "apt.conf"), `${ingredients.mirror.aptOptions.join("\n")}\n`);
  await writeFile(join(kit, "90lab-cache"), `${apt.join("\n")}\n`);

  const scripts = join(labTemplates(), "emulated");
  const without = ["man", "doc", "locale"].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
  await tool(
    [
      // What it mounts in the root dies with it: were it killed, clearing away would reach this machine's /dev.
      ...(["unshare", "--mount", "mmdebstrap", "--quiet", "--variant=minbase", "--mode=root"] as const),
      "--architectures=arm64",
      `--include=${[...PACKAGES, ...ingredients.packages].join(",")}`,
      `--aptopt=Acquire::http::Proxy "${aptCacheUrl(lab)}"`,
      `--aptopt=${join(kit, "apt.conf")}`,
      ...without,
      // Alternatives have a manual as well, and what cannot link it is not configured: Java.
      "--dpkgopt=path-include=/usr/share/man/man[1-9]",
      "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
      // A board that knows no packages would spend its first minute on `apt-get update`.
      "--skip=cleanup/apt/lists",
      `--essential-hook=${join(scripts, "essential.sh")} "$1"`,
      `--customize-hook=cp -R ${join(scripts, "rootfs")}/. "$1"/`,
      `--customize-hook=${join(labTemplates(), "customize.sh")} "$1"`,
      `--customize-hook=${join(scripts, "customize.sh")} "$1" ${kit}`,
      `--customize-hook=cp ${join(kit, "90lab-cache")} "$1"/etc/apt/apt.conf.d/`,
      ...[partsOf(SUITE).release, root, "-"],
    ],
    { input: `${ingredients.mirror.sources.join("\n")}\n`, deadlineMs: BUILD_DEADLINE_MS },
  );
}

async function templateFiles(): Promise<Record<string, string>> {
  const top = labTemplates();
  const found = await readdir(join(top, "emulated"), { recursive: true, withFileTypes: true });
  const paths = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const all = [join(top, "customize.sh"), ...paths];
  return Object.fromEntries(
    await Promise.all(
      all.map(async (path) => [path.slice(top.length), await readFile(path, "utf8")] as const),
    ),
  );
}
