/**
 * The base: the root filesystem that all boards of a release are overlay clones of.
 *
 * A folder per recipe. Its name holds the hash of all that goes into it, so a changed recipe or mirror is another
 * base, and an interrupted build is never mistaken for one.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { packageRoot } from "../shared/package-root.js";
import { aptCacheUrl } from "./apt-cache.js";
import type { LabLayout } from "./layout.js";
import { partsOf, type Mirror, type Suite } from "./mirror.js";
import { tool } from "./tool.js";

/** Beyond the release's required packages. No Python, no broker: what a board must not need is not there. */
export const BOARD_PACKAGES = [
  "ca-certificates",
  "cron",
  "dbus",
  "e2fsprogs",
  "iproute2",
  "kmod",
  "libpam-systemd",
  "nftables",
  "openssh-server",
  "procps",
  "sudo",
  "systemd",
  "systemd-sysv",
  "udev",
];

const BUILD_DEADLINE_MS = 900_000;
const UNUSED_MS = 7 * 24 * 3_600_000;

export const labTemplates = () => join(packageRoot(), "templates", "lab");

export interface Recipe {
  readonly suite: Suite;
  readonly packages: readonly string[];
  readonly mirror: Mirror;
  /** The files of templates/lab that go into a base, by their path. */
  readonly files: Readonly<Record<string, string>>;
}

/** @returns the name of the base's folder, such as `debian-bookworm-0123456789ab` */
export function baseName(recipe: Recipe): string {
  const files = Object.entries(recipe.files).sort(([one], [other]) => (one < other ? -1 : 1));
  const hash = createHash("sha256").update(JSON.stringify({ ...recipe, files }));
  return `${recipe.suite}-${hash.digest("hex").slice(0, 12)}`;
}

/**
 * The base of this recipe, with further packages if wanted, built when it is not there yet: about half a minute. Call it under the lab's lock, with
 * the apt cache running.
 *
 * @returns the absolute path of the base's root
 */
export async function ensureBase(
  lab: LabLayout,
  suite: Suite,
  morePackages: readonly string[],
  mirror: Mirror,
  onProgress: (line: string) => void,
): Promise<string> {
  const packages = [...BOARD_PACKAGES, ...morePackages];
  const recipe: Recipe = { suite, packages, mirror, files: await recipeFiles() };
  const base = join(lab.basesFolder, baseName(recipe));
  await mkdir(lab.basesFolder, { recursive: true, mode: 0o755 });
  await writeFile(lastUse(base), "");
  if (existsSync(base)) return base;

  onProgress(`building ${[suite, ...morePackages].join(" with ")}: about half a minute, once`);
  const building = `${base}.building`;
  await rm(building, { recursive: true, force: true });
  await writeFile(`${building}.apt`, `${mirror.aptOptions.join("\n")}\n`);
  await tool(
    [
      "mmdebstrap",
      "--quiet",
      "--variant=minbase",
      "--mode=root",
      `--include=${recipe.packages.join(",")}`,
      `--aptopt=Acquire::http::Proxy "${aptCacheUrl(lab)}"`,
      `--aptopt=Acquire::https::Proxy "${aptCacheUrl(lab)}"`,
      `--aptopt=${building}.apt`,
      `--customize-hook=cp -R ${join(labTemplates(), "rootfs")}/. "$1"/`,
      `--customize-hook=${join(labTemplates(), "customize.sh")} "$1"`,
      partsOf(suite).release,
      building,
      "-",
    ],
    { input: `${mirror.sources.join("\n")}\n`, deadlineMs: BUILD_DEADLINE_MS },
  );
  await rm(`${building}.apt`);
  await rename(building, base);
  return base;
}

/** Removes the bases that no board uses and nobody has asked for in a week: their recipe has changed. */
export async function removeOldBases(lab: LabLayout, inUse: ReadonlySet<string>): Promise<void> {
  for (const entry of await readdir(lab.basesFolder, { withFileTypes: true })) {
    const base = join(lab.basesFolder, entry.name);
    if (!entry.isDirectory() || inUse.has(base)) continue;
    const { mtimeMs } = await stat(lastUse(base)).catch(() => ({ mtimeMs: 0 }));
    if (Date.now() - mtimeMs < UNUSED_MS) continue;
    await rm(base, { recursive: true, force: true });
    await rm(lastUse(base), { force: true });
  }
}

/** A file beside the base: inside it, it would be on every board. */
const lastUse = (base: string) => `${base}.used`;

async function recipeFiles(): Promise<Record<string, string>> {
  const root = labTemplates();
  const found = await readdir(join(root, "rootfs"), { recursive: true, withFileTypes: true });
  const paths = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const all = [join(root, "customize.sh"), ...paths];
  return Object.fromEntries(
    await Promise.all(
      all.map(async (path) => [path.slice(root.length), await readFile(path, "utf8")] as const),
    ),
  );
}
