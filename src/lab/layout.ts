/**
 * Where a lab keeps its things and what they are called.
 *
 * One lab is one folder and one /24 network. Every name on the machine (bridge, links, cgroups) carries the
 * network's third byte, so that a second lab in another folder and network shares nothing with the first.
 */
import { join } from "node:path";
import { ImcloudError } from "../shared/errors.js";

const DEFAULT_LAB_FOLDER = "/var/lib/imcloud-lab";
const DEFAULT_LAB_NETWORK = "10.98.42.0/24";

/** Addresses below are kept for the lab itself; 255 is the broadcast address. */
export const FIRST_BOARD_NUMBER = 11;
export const LAST_BOARD_NUMBER = 250;

const APT_CACHE_PORT = 3143;

/** Everything that follows from the lab's folder and network. Paths are absolute. */
export interface LabLayout {
  readonly folder: string;
  /** Such as `10.98.42.0/24`. */
  readonly network: string;
  readonly bridge: string;
  /** The bridge's own address: the boards' gateway, and where the apt cache listens. */
  readonly gateway: string;
  readonly aptCachePort: number;
  /** Below the root of each cgroup hierarchy. */
  readonly cgroup: string;
  readonly lockFile: string;
  readonly sshKeyPath: string;
  readonly basesFolder: string;
  readonly boardsFolder: string;
  readonly aptCacheFolder: string;
}

/** Everything that follows from a board's number. */
export interface BoardPlace {
  readonly number: number;
  readonly folder: string;
  readonly address: string;
  readonly mac: string;
  /** The machine's end of the board's network cable. */
  readonly link: string;
  readonly cgroup: string;
  readonly upper: string;
  readonly recordFile: string;
  readonly launchScript: string;
  /** Written by the launcher itself: its own line of proc_pid_stat(5). */
  readonly launcherFile: string;
  readonly consoleLog: string;
}

/**
 * The lab that the environment names: `IMCLOUD_LAB_FOLDER` and `IMCLOUD_LAB_NETWORK`, else the defaults.
 *
 * @throws ImcloudError `lab.unavailable` for a network that is not an IPv4 /24
 */
export function labLayout(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): LabLayout {
  const folder = environment["IMCLOUD_LAB_FOLDER"] ?? DEFAULT_LAB_FOLDER;
  const network = environment["IMCLOUD_LAB_NETWORK"] ?? DEFAULT_LAB_NETWORK;
  const prefix = /^((?:\d{1,3}\.){2}(\d{1,3}))\.0\/24$/.exec(network);
  if (prefix?.[1] === undefined || prefix[1].split(".").some((byte) => Number(byte) > 255)) {
    throw new ImcloudError("lab.unavailable", "the lab's network is not an IPv4 /24", {
      found: network,
      expected: `a network such as \`${DEFAULT_LAB_NETWORK}\``,
      hint: "set IMCLOUD_LAB_NETWORK to a private /24 that nothing else on this machine uses",
    });
  }
  const bridge = `imlab${prefix[2]}`;
  return {
    folder,
    network,
    bridge,
    gateway: `${prefix[1]}.1`,
    aptCachePort: APT_CACHE_PORT,
    cgroup: bridge,
    lockFile: join(folder, "lock"),
    sshKeyPath: join(folder, "ssh", "id_ed25519"),
    basesFolder: join(folder, "bases"),
    boardsFolder: join(folder, "boards"),
    aptCacheFolder: join(folder, "apt-cache"),
  };
}

/** @param number from {@link FIRST_BOARD_NUMBER} to {@link LAST_BOARD_NUMBER}; also the address's last byte */
export function boardPlace(lab: LabLayout, number: number): BoardPlace {
  const folder = join(lab.boardsFolder, String(number));
  const [, , labByte = "0"] = lab.gateway.split(".");
  const hex = (byte: number) => byte.toString(16).padStart(2, "0");
  return {
    number,
    folder,
    address: lab.gateway.replace(/\d+$/, String(number)),
    // The Raspberry Pi foundation's prefix, so that discovery by MAC address finds these boards too.
    mac: `dc:a6:32:00:${hex(Number(labByte))}:${hex(number)}`,
    link: `${lab.bridge}-${number}`,
    cgroup: `${lab.cgroup}/${number}`,
    upper: join(folder, "upper"),
    recordFile: join(folder, "board.json"),
    launchScript: join(folder, "launch.sh"),
    launcherFile: join(folder, "launcher"),
    consoleLog: join(folder, "console.log"),
  };
}
