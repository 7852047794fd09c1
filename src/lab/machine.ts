/**
 * Whether this machine can run virtual boards, and the packages that it takes.
 */
import { access, constants, readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { ImcloudError } from "../shared/errors.js";
import { tool } from "./tool.js";

/** What decides, apart from how it was found out. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly userId: number | undefined;
  readonly hasApt: boolean;
  /** `ID` and `ID_LIKE` of os-release(5). */
  readonly families: readonly string[];
  readonly hasOverlayfs: boolean;
  readonly hasCgroup2: boolean;
}

/** The programs that the lab starts, with the Debian package of each. */
const PROGRAMS: Readonly<Record<string, string>> = {
  "systemd-nspawn": "systemd-container",
  mmdebstrap: "mmdebstrap",
  "apt-cacher-ng": "apt-cacher-ng",
  ip: "iproute2",
  ssh: "openssh-client",
  unshare: "util-linux",
};

const INSTALL_DEADLINE_MS = 600_000;

/** One sentence for each thing that is missing; none when boards can run here. */
export function missing(machine: Machine): readonly string[] {
  if (machine.platform !== "linux") return ["virtual boards need Linux: they share the machine's kernel"];
  return [
    machine.userId !== 0 && "root is needed to make networks, mounts and containers",
    !(machine.hasApt && machine.families.some((family) => family === "debian" || family === "ubuntu")) &&
      "Debian or Ubuntu is needed: boards are built from this machine's own package mirror",
    !machine.hasOverlayfs && "the kernel lacks overlayfs",
    !machine.hasCgroup2 && "the kernel lacks cgroup2",
  ].filter((sentence) => sentence !== false);
}

export async function inspectMachine(): Promise<Machine> {
  const filesystems = await readFile("/proc/filesystems", "utf8").catch(() => "");
  const osRelease = await readFile("/etc/os-release", "utf8").catch(() => "");
  const families = [...osRelease.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm)].flatMap(([, ids]) =>
    (ids ?? "").split(" "),
  );
  const knows = (name: string) => new RegExp(`^(nodev)?\\t${name}$`, "m").test(filesystems);
  return {
    platform: process.platform,
    userId: process.getuid?.(),
    hasApt: await onPath("apt-get"),
    families,
    // A module that is not loaded yet is not listed, but `mount` loads it.
    hasOverlayfs: knows("overlay") || (await onPath("modprobe")),
    hasCgroup2: knows("cgroup2"),
  };
}

/** @throws ImcloudError `lab.unavailable`, naming all that is missing */
export async function requireMachine(): Promise<void> {
  const sentences = missing(await inspectMachine());
  if (sentences.length === 0) return;
  throw new ImcloudError("lab.unavailable", "this machine cannot run virtual boards", {
    found: sentences.join("; "),
    hint: "run `imcloud lab` as root on a Debian or Ubuntu machine, or use a real board",
  });
}

/**
 * Installs what the lab needs and the machine does not have. Costs a few file look-ups when there is nothing to do.
 *
 * @param programs what is started, with the Debian package of each
 */
export async function installPrograms(
  onProgress: (line: string) => void,
  programs: Readonly<Record<string, string>> = PROGRAMS,
): Promise<void> {
  const absent: string[] = [];
  for (const [program, packageName] of Object.entries(programs))
    if (!(await onPath(program))) absent.push(packageName);
  if (absent.length === 0) return;

  onProgress(`installing ${absent.join(", ")}`);
  const apt = { deadlineMs: INSTALL_DEADLINE_MS, env: { DEBIAN_FRONTEND: "noninteractive" } };
  await tool(["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", "update"], apt);
  await tool(
    [
      "apt-get",
      "-qq",
      "-o",
      "DPkg::Lock::Timeout=300",
      "install",
      "--yes",
      "--no-install-recommends",
      ...absent,
    ],
    apt,
  );
  // Debian's own instance would serve the whole network with a configuration that the lab does not use.
  if (absent.includes("apt-cacher-ng") && (await exists("/run/systemd/system"))) {
    await tool(["systemctl", "disable", "--now", "apt-cacher-ng.service"]);
  }
}

export async function onPath(program: string): Promise<boolean> {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  for (const folder of folders) if (await exists(join(folder, program))) return true;
  return false;
}

async function exists(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}
