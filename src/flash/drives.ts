/**
 * The drives of a Linux machine that an image may be written to, by what they are and never by their letter. Those of a
 * Mac: mac-drives.ts.
 *
 * What the system needs is never offered: a drive with a mounted system folder, with swap in use, or with a part of a
 * RAID, LVM or ZFS on it. What is merely mounted can be unmounted.
 *
 * Sources: lsblk(8); udev's links below /dev/disk/by-id and by-path; sysfs, `diskseq`.
 */
import { z } from "zod";

export interface Drive {
  /** Stays the same on another port and after a reboot, unless {@link isStable} is false. */
  readonly id: string;
  readonly isStable: boolean;
  readonly path: string;
  /** Where it sits: a reader or port keeps it while cards and sticks come and go. */
  readonly slot: string;
  readonly sizeBytes: number;
  readonly model: string;
  readonly serial: string;
  /** `usb`, `mmc`, `sata`, `nvme`, `loop`; empty when the system does not tell. */
  readonly transport: string;
  readonly isRemovable: boolean;
  readonly isReadOnly: boolean;
  /** In words, a partition each. */
  readonly contents: readonly string[];
  /** Folders that its file systems are mounted at. */
  readonly mounts: readonly string[];
  /** Why it is not written to, whoever asks for it. */
  readonly refused?: string;
  /** `MAJOR:MINOR` on Linux, `disk4` on macOS. */
  readonly number: string;
  /** Another one for each disk that the kernel ever saw, also in the same reader. Linux 5.15 and later, macOS. */
  readonly sequence?: string;
}

const Flag = z.union([z.boolean(), z.enum(["0", "1"]).transform((word) => word === "1")]);
const Text = z
  .string()
  .nullish()
  .transform((text) => text?.trim() ?? "");

interface Row {
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly rm: boolean;
  readonly ro: boolean;
  readonly hotplug: boolean;
  readonly tran: string;
  readonly model: string;
  readonly serial: string;
  readonly mountpoint: string;
  readonly fstype: string;
  readonly label: string;
  readonly type: string;
  readonly number: string;
  readonly children: readonly Row[];
}

const Row: z.ZodType<Row, unknown> = z
  .object({
    name: z.string(),
    path: z.string(),
    size: z.coerce.number(),
    rm: Flag,
    ro: Flag,
    hotplug: Flag,
    tran: Text,
    model: Text,
    serial: Text,
    mountpoint: Text,
    fstype: Text,
    label: Text,
    type: z.string(),
    "maj:min": z.string(),
    children: z.lazy(() => z.array(Row)).default([]),
  })
  .transform(({ "maj:min": number, ...row }) => ({ ...row, number: number.trim() }));

const Listing = z.object({ blockdevices: z.array(Row) });

/** `MOUNTPOINT` and not `MOUNTPOINTS`, which is younger than some systems that people sit at. */
export const LSBLK = [
  "lsblk",
  "--json",
  "--bytes",
  "--output",
  "NAME,PATH,SIZE,RM,RO,HOTPLUG,TRAN,MODEL,SERIAL,MOUNTPOINT,FSTYPE,LABEL,TYPE,MAJ:MIN",
] as const;

const SYSTEM_FOLDERS = /^\/(boot|boot\/.*|efi|home|usr|var|opt|srv|root|nix|snap|run\/live\/.*)?$/;
/** What lsblk names a partition that is a part of something larger. */
const MEMBERS: Readonly<Record<string, string>> = {
  linux_raid_member: "a RAID",
  isw_raid_member: "a RAID",
  ddf_raid_member: "a RAID",
  LVM2_member: "LVM",
  zfs_member: "a ZFS pool",
  bcache: "bcache",
  ceph_bluestore: "Ceph",
};
/** No medium of their own, or none that a board could start from. */
const NO_DRIVE = /^(ram|zram|sr|fd|nbd|mtd|dm-|md)\d|^mmcblk\d+(boot|rpmb)/;

export interface Links {
  /** Names below /dev/disk/by-id, by the device's name: `sdb` to `usb-Generic_…`. */
  readonly ids: ReadonlyMap<string, readonly string[]>;
  /** The same below /dev/disk/by-path, where udev tells the port. */
  readonly slots: ReadonlyMap<string, readonly string[]>;
  readonly sequences: ReadonlyMap<string, string>;
}

/**
 * Reads what {@link LSBLK} printed.
 *
 * @returns all drives, also those that are refused; loop devices are last
 * @throws Error when it is not what lsblk prints
 */
export function parseDrives(json: string, { ids, slots, sequences }: Links): readonly Drive[] {
  const { blockdevices } = Listing.parse(JSON.parse(json));
  return blockdevices
    .filter(
      ({ name, type, size }) => (type === "disk" || type === "loop") && size > 0 && !NO_DRIVE.test(name),
    )
    .map((row) => driveOf(row, ids.get(row.name) ?? [], slots.get(row.name) ?? [], sequences.get(row.name)))
    .toSorted((one, other) => rank(one) - rank(other) || (one.id < other.id ? -1 : 1));
}

const rank = ({ transport, isRemovable }: Drive): number => (transport === "loop" ? 2 : isRemovable ? 0 : 1);

function driveOf(
  row: Row,
  links: readonly string[],
  slots: readonly string[],
  sequence: string | undefined,
): Drive {
  const all = withChildren(row);
  const transport = row.tran || (row.name.startsWith("mmcblk") ? "mmc" : row.type === "loop" ? "loop" : "");
  const id = links.filter((link) => !link.startsWith("wwn-") && !link.startsWith("nvme-eui.")).toSorted()[0];
  const refused = refusal(all) ?? (row.ro ? "it is write-protected" : undefined);
  return {
    id: id ?? row.name,
    isStable: id !== undefined,
    path: row.path,
    slot: slots.toSorted()[0] ?? row.path,
    sizeBytes: row.size,
    model: row.model,
    serial: row.serial,
    transport,
    isRemovable: row.rm || row.hotplug || transport === "usb" || transport === "mmc",
    isReadOnly: row.ro,
    contents: all.flatMap(contentOf),
    mounts: all.flatMap(({ mountpoint }) => (mountpoint.startsWith("/") ? [mountpoint] : [])),
    ...(refused !== undefined && { refused }),
    number: row.number,
    ...(sequence !== undefined && { sequence }),
  };
}

const withChildren = (row: Row): readonly Row[] => [row, ...row.children.flatMap(withChildren)];

function refusal(all: readonly Row[]): string | undefined {
  for (const { mountpoint, fstype, type } of all) {
    if (mountpoint === "[SWAP]") return "the system swaps to it";
    if (SYSTEM_FOLDERS.test(mountpoint)) return `it holds the running system: ${mountpoint}`;
    const member =
      MEMBERS[fstype] ?? (/^(lvm|raid\d*|md|mpath|dmraid)/.test(type) ? "a larger volume" : undefined);
    if (member !== undefined) return `it is a part of ${member}`;
  }
  return undefined;
}

function contentOf({ fstype, label, type, children }: Row): readonly string[] {
  if (fstype === "" && (type !== "part" || children.length > 0)) return [];
  return [`${fstype || "a partition without a file system"}${label && ` \`${label}\``}`];
}
