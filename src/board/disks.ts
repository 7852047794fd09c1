/**
 * The disks of a board, as lsblk(8) sees them, by what they are and never by their letter: that is dealt out anew at
 * every boot.
 *
 * `lsblk` takes what udev knows, so it wakes no disk; its `-P` form is the same from util-linux 2.31 (Ubuntu 18.04) on.
 */
import { sh, type Script } from "./script.js";

/** NAME first: a row then looks like the other facts, `NAME=...`. */
const COLUMNS =
  "NAME,PKNAME,TYPE,MAJ:MIN,SIZE,TRAN,ROTA,RM,RO,VENDOR,MODEL,SERIAL,FSTYPE,LABEL,UUID,MOUNTPOINT";

const LSBLK = ["lsblk", "-Pbo", COLUMNS];

/** A disk, a partition, or what is built upon one (LVM, encryption). */
interface BlockDevice {
  readonly name: string;
  readonly parent: string;
  readonly type: string;
  /** `MAJOR:MINOR`. */
  readonly number: string;
  readonly sizeBytes: number;
  readonly filesystem: string;
  readonly label: string;
  readonly uuid: string;
  /** One of its mount points, or `[SWAP]`; empty when nobody uses it. */
  readonly usedAt: string;
}

export interface Disk extends BlockDevice {
  readonly serial: string;
  readonly model: string;
  /** `usb`, `nvme`, `sata`, `mmc`; empty when the kernel does not tell. */
  readonly transport: string;
  /** Of what is between it and a USB port, as lsusb(8) prints it: `152d:0578`; empty elsewhere. */
  readonly adapter: string;
  readonly rotational: boolean;
  readonly removable: boolean;
  readonly readOnly: boolean;
  /** The system starts or runs from it. */
  readonly isSystem: boolean;
  /** Its partitions and what is built upon them. */
  readonly parts: readonly BlockDevice[];
}

/**
 * Prints a row for each block device, `adapter=NAME VENDOR:PRODUCT` for those behind USB, and `system=MAJOR:MINOR` for
 * those that hold the system.
 *
 * A container sees its machine's disks in /sys; those that it has no node of are none of its own.
 */
export function disksScript(): Script {
  return sh`
set --
for d in /sys/block/*; do [ ! -b "/dev/\${d##*/}" ] || set -- "$@" "/dev/\${d##*/}"; done
[ $# = 0 ] || ${LSBLK} "$@"
for d; do
  case $d in /dev/sd*) ;; *) continue ;; esac
  usb=$(readlink -f "/sys/block/\${d#/dev/}")
  while [ -n "$usb" ] && [ ! -e "$usb/idVendor" ]; do usb=\${usb%/*}; done
  [ -z "$usb" ] || { read -r vendor < "$usb/idVendor"; read -r product < "$usb/idProduct"; echo "adapter=\${d#/dev/} $vendor:$product"; }
done
awk '$5 == "/" || $5 == "/boot" || $5 == "/boot/firmware" { print "system=" $3 }' /proc/self/mountinfo`;
}

/** What has no medium of its own to keep something on. */
const NO_DISK = /^(loop|ram|zram|sr|fd|nbd|mtd)\d|^mmcblk\d+(boot|rpmb)/;

/** Reads what {@link disksScript} printed. Disks in the order of their serial numbers, which is the same every time. */
export function parseDisks(output: string): readonly Disk[] {
  const rows = output
    .split("\n")
    .filter((line) => line.startsWith("NAME="))
    .map(fieldsOf);
  const system = new Set(output.split("\n").flatMap((line) => /^system=(\S+)$/.exec(line)?.[1] ?? []));
  const devices = rows.map(deviceOf);
  const adapters = new Map([...output.matchAll(/^adapter=(\S+) (\S+)$/gm)].map(([, name, id]) => [name, id]));
  const below = (name: string): readonly BlockDevice[] =>
    devices.filter(({ parent }) => parent === name).flatMap((child) => [child, ...below(child.name)]);
  return rows
    .filter(
      (row) => row.get("TYPE") === "disk" && Number(row.get("SIZE")) > 0 && !NO_DISK.test(text(row, "NAME")),
    )
    .map((row): Disk => {
      const own = deviceOf(row);
      const parts = below(own.name);
      return {
        ...own,
        serial: text(row, "SERIAL"),
        model: [text(row, "VENDOR"), text(row, "MODEL")].filter((word) => /^(?!0x)./.test(word)).join(" "),
        transport: text(row, "TRAN") || (own.name.startsWith("mmcblk") ? "mmc" : ""),
        adapter: adapters.get(own.name) ?? "",
        rotational: row.get("ROTA") === "1",
        removable: row.get("RM") === "1",
        readOnly: row.get("RO") === "1",
        isSystem: [own, ...parts].some(({ number, usedAt }) => system.has(number) || usedAt === "/"),
        parts,
      };
    })
    .toSorted((one, other) => (idOf(one) < idOf(other) ? -1 : 1));
}

/**
 * What is on a disk, in words; nothing on one that nobody has written to, as far as udev can see.
 *
 * @example ["ext4 `photos` in use", "a partition without a file system"]
 */
export function holdings({ parts, ...disk }: Disk): readonly string[] {
  return [disk, ...parts].flatMap((device) => {
    const isBare = device.filesystem === "" && device.usedAt === "";
    if (isBare && (device === disk || parts.some(({ parent }) => parent === device.name))) return [];
    const what =
      device.filesystem || `a ${device.type === "part" ? "partition" : device.type} without a file system`;
    return [`${what}${device.label && ` \`${device.label}\``}${device.usedAt && " in use"}`];
  });
}

/** @example "SAMSUNG MZ7 (usb, 512 GB, serial S2F1)" */
export function describeDisk({ model, transport, sizeBytes, serial }: Disk): string {
  const facts = [transport, sizeInWords(sizeBytes), serial && `serial ${serial}`].filter(
    (fact) => fact !== "",
  );
  return `${model || "a disk"} (${facts.join(", ")})`;
}

/** As on the box: by thousands. */
export function sizeInWords(bytes: number): string {
  const units = ["MB", "GB", "TB"];
  let size = bytes / 1e6;
  while (size >= 1000 && units.length > 1) {
    size /= 1000;
    units.shift();
  }
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${units[0]}`;
}

const idOf = ({ serial, name }: Disk): string => `${serial} ${name}`;
const text = (row: ReadonlyMap<string, string>, column: string): string => (row.get(column) ?? "").trim();

function deviceOf(row: ReadonlyMap<string, string>): BlockDevice {
  return {
    name: text(row, "NAME"),
    parent: text(row, "PKNAME"),
    type: text(row, "TYPE"),
    number: text(row, "MAJ:MIN") || text(row, "MAJ_MIN"),
    sizeBytes: Number(row.get("SIZE")),
    filesystem: text(row, "FSTYPE"),
    label: text(row, "LABEL"),
    uuid: text(row, "UUID").toLowerCase(),
    usedAt: text(row, "MOUNTPOINT"),
  };
}

/** `NAME="sda" MODEL="a\x20b"`: what is not printable comes as the number of a byte. */
function fieldsOf(row: string): ReadonlyMap<string, string> {
  return new Map(
    [...row.matchAll(/([A-Z:_-]+)="([^"]*)"/g)].map(([, column = "", value = ""]) => [
      column,
      value.replaceAll(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      ),
    ]),
  );
}
