/**
 * What an image is, by what is in it: its name and its file's name prove nothing.
 *
 * The root is read with debugfs, so nothing is mounted and nobody need be root.
 *
 * Sources: debugfs(8), os-release(5); rpi-imager's "OS customisation formats" for which release takes which.
 */
import { execa } from "execa";
import { releaseOf } from "../../board/facts.js";
import type { FirstBootFormat } from "../../config/first-boot.js";
import type { WrittenTarget } from "../types.js";
import { toolMissing, type FatPartition } from "./fat.js";

export interface ImageEvidence {
  /** By `ID-VERSION_ID` as src/shared/releases.ts has it; empty where there is no os-release. */
  readonly release: string;
  /** How it calls itself, for people; empty if it does not. */
  readonly prettyName: string;
  /** Installed packages, of those that matter. */
  readonly packages: readonly string[];
  /** Where the system mounts the boot partition. */
  readonly bootFolder: string;
}

const DEADLINE_MS = 60_000;
/** Packages that read first-boot settings, or mark a Raspberry Pi OS. */
const PACKAGES = ["cloud-init", "rpi-preseed", "raspberrypi-sys-mods"] as const;

/**
 * @returns what the root says; of a root that is not there or no ext4, nothing
 * @throws ImcloudError `flash.tool-missing`
 */
export async function lookInto({ path, root }: Pick<WrittenTarget, "path" | "root">): Promise<ImageEvidence> {
  if (root === undefined) return evidenceOf(new Map());
  const files = [
    "/usr/lib/os-release",
    "/etc/fstab",
    ...PACKAGES.map((name) => `/var/lib/dpkg/info/${name}.list`),
  ];
  const result = await execa("debugfs", ["-f", "-", `${path}?offset=${root.offset}`], {
    reject: false,
    timeout: DEADLINE_MS,
    input: files.map((file) => `cat ${file}\n`).join(""),
  });
  // Not being able to look is not an image that shows nothing.
  if (result.code === "ENOENT") throw toolMissing("debugfs", "e2fsprogs", result);
  return evidenceOf(answers(result.stdout ?? ""));
}

/**
 * Pure.
 *
 * @param output what debugfs writes to stdout: each command, then its answer. Its complaints go to stderr, and would
 *   come in between in any order.
 */
export function answers(output: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let file = "";
  for (const line of output.trimEnd().split("\n")) {
    const asked = /^debugfs: +cat (\/\S+)$/.exec(line)?.[1];
    if (asked !== undefined) file = asked;
    else if (file !== "" && !line.startsWith("debugfs:") && !/: File not found by ext2_lookup/.test(line))
      found.set(file, `${found.get(file) ?? ""}${line}\n`);
  }
  return found;
}

/** Pure. */
export function evidenceOf(files: ReadonlyMap<string, string>): ImageEvidence {
  const osRelease = files.get("/usr/lib/os-release") ?? "";
  const value = (key: string): string =>
    new RegExp(`^${key}=["']?(.*?)["']?$`, "m").exec(osRelease)?.[1] ?? "";
  const mounted = /^[^#\s]\S*\s+(\/boot\S*)\s+vfat\b/m.exec(files.get("/etc/fstab") ?? "")?.[1];
  const release =
    osRelease === "" ? "" : releaseOf({ os: { id: value("ID"), versionId: value("VERSION_ID") } });
  return {
    release,
    prettyName: value("PRETTY_NAME"),
    packages: PACKAGES.filter((name) => files.has(`/var/lib/dpkg/info/${name}.list`)),
    bootFolder: mounted ?? "/boot",
  };
}

/**
 * The format that an image shows that it takes. Pure.
 *
 * @returns undefined where nothing in the image says so
 */
export function shownFormat(
  { packages, release }: ImageEvidence,
  fatFiles: readonly string[],
): FirstBootFormat | undefined {
  if (packages.includes("rpi-preseed")) return "rpi-preseed";
  if (packages.includes("cloud-init"))
    return release.startsWith("ubuntu-") || !packages.includes("raspberrypi-sys-mods")
      ? "cloudinit"
      : "cloudinit-rpi";
  if (packages.includes("raspberrypi-sys-mods")) return "systemd";
  // An image whose root cannot be read: Ubuntu's puts samples of all three there.
  const isSeeded = ["user-data", "meta-data", "network-config"].every((name) => fatFiles.includes(name));
  return isSeeded && release === "" ? "cloudinit" : undefined;
}

/** Names of the top folder, for {@link shownFormat}. */
export async function fatNames(fat: FatPartition): Promise<readonly string[]> {
  return (await fat.list()).map((name) => name.toLowerCase());
}
