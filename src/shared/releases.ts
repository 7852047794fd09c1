/**
 * The releases that imcloud knows, in one table, and how long each gets security updates.
 *
 * Raspberry Pi OS takes its userland from Debian and ends with it; boot files and network are its own.
 * Sources: distro-info-data of 2026-11 (Debian's LTS, Ubuntu's standard support, and what can be bought after
 * them), the release notes of Ubuntu for Raspberry Pi and of Raspberry Pi OS, the archives' package indexes.
 */

export interface Release {
  /** As people say it. */
  readonly name: string;
  /** Last day of free security updates. */
  readonly freeUntil: string;
  /** Last month of those that can be bought. */
  readonly paidUntil: string;
  /** Where the firmware's files are mounted. */
  readonly bootFolder: "/boot" | "/boot/firmware";
  /** What brings the network up, unless somebody changed it. */
  readonly network: string;
  /** The hierarchy that the release boots with. */
  readonly cgroup: 1 | 2;
  /** RabbitMQ's version in the release's archive, its updates included. */
  readonly rabbitmq: string;
  /** The Java that Kafka gets: the archive's package is `openjdk-VERSION-jre-headless`. */
  readonly java: number;
}

/** By `ID-VERSION_ID` of os-release; `raspbian` counts as `debian`. Oldest first. */
export const RELEASES: Readonly<Record<string, Release>> = {
  "ubuntu-18.04": {
    name: "Ubuntu 18.04",
    freeUntil: "2023-05-31",
    paidUntil: "2028-04",
    bootFolder: "/boot/firmware",
    network: "netplan, networkd",
    cgroup: 1,
    rabbitmq: "3.6.10",
    java: 17,
  },
  "debian-10": {
    name: "Raspberry Pi OS buster",
    freeUntil: "2024-06-30",
    paidUntil: "2029-06",
    bootFolder: "/boot",
    network: "dhcpcd",
    cgroup: 1,
    rabbitmq: "3.7.8",
    java: 11,
  },
  "ubuntu-20.04": {
    name: "Ubuntu 20.04",
    freeUntil: "2025-05-29",
    paidUntil: "2030-04",
    bootFolder: "/boot/firmware",
    network: "netplan, networkd",
    cgroup: 1,
    rabbitmq: "3.8.3",
    java: 17,
  },
  "debian-11": {
    name: "Raspberry Pi OS bullseye",
    freeUntil: "2026-08-31",
    paidUntil: "2031-06",
    bootFolder: "/boot",
    network: "dhcpcd",
    cgroup: 2,
    rabbitmq: "3.8.9",
    java: 17,
  },
  "ubuntu-22.04": {
    name: "Ubuntu 22.04",
    freeUntil: "2027-06-01",
    paidUntil: "2032-04",
    bootFolder: "/boot/firmware",
    network: "netplan, networkd",
    cgroup: 2,
    rabbitmq: "3.9.27",
    java: 17,
  },
  "debian-12": {
    name: "Raspberry Pi OS bookworm",
    freeUntil: "2028-06-30",
    paidUntil: "2033-06",
    bootFolder: "/boot/firmware",
    network: "NetworkManager",
    cgroup: 2,
    rabbitmq: "3.10.8",
    java: 17,
  },
  "ubuntu-24.04": {
    name: "Ubuntu 24.04",
    freeUntil: "2029-05-31",
    paidUntil: "2034-04",
    bootFolder: "/boot/firmware",
    network: "netplan, networkd",
    cgroup: 2,
    rabbitmq: "3.12.1",
    java: 17,
  },
  "debian-13": {
    name: "Raspberry Pi OS trixie",
    freeUntil: "2030-06-30",
    paidUntil: "2035-06",
    bootFolder: "/boot/firmware",
    network: "netplan, NetworkManager",
    cgroup: 2,
    rabbitmq: "4.0.5",
    java: 21,
  },
};

const DAY_MS = 24 * 60 * 60 * 1000;

/** Whole days until free updates end; negative once they have. */
export function daysOfFreeUpdates({ freeUntil }: Release, now: Date): number {
  return Math.floor((Date.parse(`${freeUntil}T23:59:59Z`) - now.getTime()) / DAY_MS);
}

/** @example "Ubuntu 24.04, Raspberry Pi OS trixie" */
export function supportedReleases(now: Date): string {
  return Object.values(RELEASES)
    .filter((release) => daysOfFreeUpdates(release, now) >= 0)
    .map(({ name }) => name)
    .join(", ");
}

/**
 * What is to be said of a board's release before anything is done there.
 *
 * @param id as `RELEASES` has it
 * @returns one line, or undefined while all is well
 */
export function withoutFreeUpdates(id: string, now: Date): string | undefined {
  const release = RELEASES[id];
  if (release === undefined)
    return `imcloud does not know the release ${id}; supported: ${supportedReleases(now)}`;
  if (daysOfFreeUpdates(release, now) >= 0) return undefined;
  return `no free security updates since ${release.freeUntil}; supported: ${supportedReleases(now)}`;
}
