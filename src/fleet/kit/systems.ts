/**
 * Where each release has its packages, and what is known of a board that has nothing but its image.
 *
 * Sources: Debian's and Ubuntu's release notes and archive pages; `sources.list` of their images. Raspberry Pi OS for
 * 64 bits takes all that playbooks install from Debian itself.
 */
import { Facts } from "../../board/facts.js";
import { RELEASES } from "../../shared/releases.js";
import { unknownSystem } from "./errors.js";

/** What boards have in common whose packages are the same. */
export interface System {
  /** A key of `RELEASES`. */
  readonly release: string;
  /** dpkg's name. */
  readonly arch: string;
}

export interface Archive {
  /** Its folder on the board. */
  readonly folder: string;
  readonly url: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** Which came with the board's image. */
  readonly keyring: string;
}

export interface Mirrors {
  /** Instead of the release's own archive. */
  readonly mirror?: string;
  /** Instead of Debian's archive of security updates; Ubuntu's are in the one archive. */
  readonly securityMirror?: string;
}

/** By release: what its suites are called, and the systemd that its image has. */
const NAMES: Readonly<Record<string, { readonly codename: string; readonly systemd: number }>> = {
  "ubuntu-18.04": { codename: "bionic", systemd: 237 },
  "debian-10": { codename: "buster", systemd: 241 },
  "ubuntu-20.04": { codename: "focal", systemd: 245 },
  "debian-11": { codename: "bullseye", systemd: 247 },
  "ubuntu-22.04": { codename: "jammy", systemd: 249 },
  "debian-12": { codename: "bookworm", systemd: 252 },
  "ubuntu-24.04": { codename: "noble", systemd: 255 },
  "debian-13": { codename: "trixie", systemd: 257 },
};

/** Those that packages of brokers and a runtime exist for. */
export const ARCHITECTURES = ["arm64", "amd64"] as const;

/** @throws ImcloudError `cli.usage` for what imcloud knows no packages of */
export function archivesOf(
  { release, arch }: System,
  { mirror, securityMirror }: Mirrors = {},
): readonly Archive[] {
  const names = NAMES[release];
  if (names === undefined || !(ARCHITECTURES as readonly string[]).includes(arch))
    throw unknownSystem({ release, arch });
  const { codename } = names;
  if (release.startsWith("ubuntu-")) {
    const own =
      arch === "amd64" ? "http://archive.ubuntu.com/ubuntu" : "http://ports.ubuntu.com/ubuntu-ports";
    return [
      {
        folder: "ubuntu",
        url: mirror ?? own,
        suites: [codename, `${codename}-updates`, `${codename}-security`],
        components: ["main", "universe"],
        keyring: "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
      },
    ];
  }
  const host = codename === "buster" ? "http://archive.debian.org" : "http://deb.debian.org";
  const common = { components: ["main"], keyring: "/usr/share/keyrings/debian-archive-keyring.gpg" };
  return [
    {
      ...common,
      folder: "debian",
      url: mirror ?? `${host}/debian`,
      suites: [codename, `${codename}-updates`],
    },
    {
      ...common,
      folder: "debian-security",
      url: securityMirror ?? `${host}/debian-security`,
      suites: [codename === "buster" ? "buster/updates" : `${codename}-security`],
    },
  ];
}

/** What playbooks are resolved with for a board that nobody has seen yet: a Pi 4B with a fresh image. */
export function assumedFacts({ release, arch }: System): Facts {
  const [id = "", versionId = ""] = release.split("-");
  const { codename = "", systemd = 252 } = NAMES[release] ?? {};
  return Facts.parse({
    ...{ hostname: "raspberrypi", arch, kernel: "", model: "Raspberry Pi 4 Model B", ramMb: 3794, cpus: 4 },
    os: { id, versionId, codename, prettyName: RELEASES[release]?.name ?? release },
    ...{ systemd, cgroup: RELEASES[release]?.cgroup ?? 2, init: "systemd", container: "" },
    bootFolder: RELEASES[release]?.bootFolder ?? "",
    ...{ addresses: [], device: "eth0", wifi: ["wlan0"], ufw: false },
    ...{ timeSync: "systemd-timesyncd", packages: {}, swap: "none", zram: "free" },
  });
}
