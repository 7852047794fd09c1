/**
 * The drives of a Mac, by its own tools. Like {@link parseDrives}: what the system needs is never offered.
 *
 * APFS puts its volumes into containers, which are disks of their own here and stand on partitions of others: what is
 * mounted of a container counts for each disk below it. The id of a drive is its number, which another one may get.
 *
 * Nobody has tried this on a Mac yet: see docs/untested.md.
 *
 * Sources: diskutil(8), `list`, `info` and `-plist`; ioreg(8); IOKit's `IOMedia.h` ("BSD Name"), `locationID` of
 * IOUSBHostDevice. plist is what most of npm's readers of that format use, and stands on the XML parser of bmap.ts.
 */
import { parse } from "plist";
import { z } from "zod";
import type { Drive } from "./drives.js";
import { drivesUnknown } from "./errors.js";
import { rawNode } from "./mac-nodes.js";

/** Starts a program. @returns what it writes to stdout; rejects when it fails */
export type Ask = (program: string, parameters: readonly string[]) => Promise<string>;

/** What was answered, each a property list. */
export interface MacAnswers {
  /** To `diskutil list -plist`. */
  readonly list: string;
  /** To `diskutil info -plist /`. */
  readonly root: string;
  /** To `diskutil info -plist DISK`, by the disk. */
  readonly infos: ReadonlyMap<string, string>;
  /** To `ioreg -a -l -r -c IOMedia`; empty where there are none. */
  readonly media: string;
  /** To `ioreg -a -l -r -c IOUSBHostDevice`; empty where there are none. */
  readonly usb: string;
}

const Mounted = z.object({
  DeviceIdentifier: z.string(),
  Content: z.string().default(""),
  VolumeName: z.string().default(""),
  MountPoint: z.string().default(""),
  MountedSnapshots: z.array(z.object({ SnapshotMountPoint: z.string().default("") })).default([]),
});
const Store = z.object({ DeviceIdentifier: z.string() });
const Entry = Mounted.extend({
  Partitions: z.array(Mounted).default([]),
  APFSVolumes: z.array(Mounted).default([]),
  /** Of a container: the partitions that it stands on. */
  APFSPhysicalStores: z.array(Store).default([]),
});
type Entry = z.infer<typeof Entry>;
const List = z.object({ AllDisksAndPartitions: z.array(Entry) });

const Info = z.object({
  DeviceIdentifier: z.string(),
  ParentWholeDisk: z.string().optional(),
  APFSPhysicalStores: z.array(z.object({ APFSPhysicalStore: z.string() })).default([]),
  TotalSize: z.number().optional(),
  Size: z.number().optional(),
  MediaName: z.string().default(""),
  IORegistryEntryName: z.string().default(""),
  DeviceTreePath: z.string().optional(),
  BusProtocol: z.string().default(""),
  VirtualOrPhysical: z.string().default(""),
  Internal: z.boolean().optional(),
  Ejectable: z.boolean().default(false),
  Removable: z.boolean().default(false),
  RemovableMedia: z.boolean().default(false),
  RemovableMediaOrExternalDevice: z.boolean().default(false),
  Writable: z.boolean().default(true),
  WritableMedia: z.boolean().default(true),
});
type Info = z.infer<typeof Info>;

interface Node {
  readonly "BSD Name"?: string | undefined;
  readonly IORegistryEntryID?: number | undefined;
  readonly locationID?: number | undefined;
  readonly "USB Serial Number"?: string | undefined;
  readonly IORegistryEntryChildren: readonly Node[];
}
const Node: z.ZodType<Node, unknown> = z.object({
  "BSD Name": z.string().optional(),
  IORegistryEntryID: z.number().optional(),
  locationID: z.number().optional(),
  "USB Serial Number": z.string().optional(),
  IORegistryEntryChildren: z.lazy(() => z.array(Node)).default([]),
});

const SYSTEM_FOLDERS = /^\/$|^\/(System|private|usr|Users|Library|Applications)(\/|$)/;
const MEMBERS: Readonly<Record<string, string>> = {
  Apple_RAID: "a RAID",
  Apple_RAID_Offline: "a RAID",
  Apple_CoreStorage: "a larger volume",
};
/** As the other systems call them. */
const BUSES: Readonly<Record<string, string>> = { "Secure Digital": "mmc", "PCI-Express": "nvme" };
const DISK_IMAGE = "Disk Image";

/** @throws ImcloudError `flash.target-refused` where the Mac does not tell */
export async function loadMacDrives(ask: Ask): Promise<readonly Drive[]> {
  const list = await ask("diskutil", ["list", "-plist"]);
  const registry = (kind: string) => ask("ioreg", ["-a", "-l", "-r", "-c", kind]);
  const [root, media, usb] = await Promise.all([
    ask("diskutil", ["info", "-plist", "/"]),
    registry("IOMedia"),
    registry("IOUSBHostDevice"),
  ]);
  const infos = new Map<string, string>();
  await Promise.all(
    wholeDisks(list).map(async (disk) => {
      // A disk that was pulled out since is no drive any more.
      const info = await ask("diskutil", ["info", "-plist", disk]).catch(() => undefined);
      if (info !== undefined) infos.set(disk, info);
    }),
  );
  return parseMacDrives({ list, root, infos, media, usb });
}

const wholeDisks = (list: string): readonly string[] =>
  read("diskutil list", List, list).AllDisksAndPartitions.map(({ DeviceIdentifier }) => DeviceIdentifier);

/**
 * @returns all disks, also those that are refused; those that people put in and out are first
 * @throws ImcloudError `flash.target-refused` when an answer is not understood, or does not say where the system is
 */
export function parseMacDrives({ list, root, infos, media, usb }: MacAnswers): readonly Drive[] {
  const entries = read("diskutil list", List, list).AllDisksAndPartitions;
  const known = entries.flatMap((entry): readonly (readonly [Entry, Info])[] => {
    const info = infos.get(entry.DeviceIdentifier);
    return info === undefined ? [] : [[entry, read("diskutil info", Info, info)]];
  });
  const below = new Map(
    entries.flatMap(({ DeviceIdentifier: disk, APFSPhysicalStores: stores }) =>
      stores.length === 0 ? [] : [[disk, stores.map((store) => wholeOf(store.DeviceIdentifier))] as const],
    ),
  );
  const system = systemDisks(read("diskutil info", Info, root), below);
  if (!known.some(([{ DeviceIdentifier }]) => system.has(DeviceIdentifier)))
    throw drivesUnknown("diskutil", "none of its disks is the one that the system runs from");
  const [sequences, ports] = [sequencesOf(media), portsOf(usb)];
  return known
    .map(([entry, info]) => {
      const disk = entry.DeviceIdentifier;
      const above = entries.filter((other) => other !== entry && bottomOf(other, below).includes(disk));
      const refused = refusal(entry, info, above, { system, below });
      return driveOf(entry, info, above, refused, sequences.get(disk), ports.get(disk));
    })
    .toSorted((one, other) => Number(other.isRemovable) - Number(one.isRemovable));
}

/** `disk3` of `disk3s1s1`. */
const wholeOf = (device: string): string => /^disk\d+/.exec(device)?.[0] ?? device;

type Below = ReadonlyMap<string, readonly string[]>;

/** The disks that something stands on, through however many containers. */
function bottom(disk: string, below: Below, passed: readonly string[] = []): readonly string[] {
  const stores = below.get(disk);
  if (stores === undefined || passed.includes(disk)) return [disk];
  return stores.flatMap((store) => bottom(store, below, [...passed, disk]));
}
const bottomOf = ({ DeviceIdentifier: disk }: Entry, below: Below) =>
  below.has(disk) ? bottom(disk, below) : [];

function systemDisks(root: Info, below: Below): ReadonlySet<string> {
  const stores = root.APFSPhysicalStores.map(({ APFSPhysicalStore: store }) => wholeOf(store));
  const own = wholeOf(root.ParentWholeDisk ?? root.DeviceIdentifier);
  return new Set([own, ...stores].flatMap((disk) => [disk, ...bottom(disk, below)]));
}

const partsOf = (entry: Entry) => [entry, ...entry.Partitions, ...entry.APFSVolumes];
const mountsOf = (entries: readonly Entry[]): readonly string[] =>
  entries
    .flatMap(partsOf)
    .flatMap(({ MountPoint, MountedSnapshots }) => [
      MountPoint,
      ...MountedSnapshots.map(({ SnapshotMountPoint }) => SnapshotMountPoint),
    ])
    .filter((folder) => folder !== "");

function refusal(
  entry: Entry,
  info: Info,
  above: readonly Entry[],
  { system, below }: { readonly system: ReadonlySet<string>; readonly below: Below },
): string | undefined {
  const disk = entry.DeviceIdentifier;
  const folder = mountsOf([entry, ...above]).find((one) => SYSTEM_FOLDERS.test(one));
  if (folder !== undefined || system.has(disk)) return `it holds the running system: ${folder ?? "/"}`;
  const stores = below.get(disk);
  if (stores !== undefined)
    return `it is an APFS container on ${stores.map((store) => `\`${store}\``).join(" and ")}`;
  if (info.VirtualOrPhysical === "Virtual" && info.BusProtocol !== DISK_IMAGE)
    return "it is made of parts of other disks";
  const member = partsOf(entry).flatMap(({ Content }) => MEMBERS[Content] ?? [])[0];
  const isOneOfSeveral = above.some((container) => new Set(bottomOf(container, below)).size > 1);
  if (member !== undefined || isOneOfSeveral) return `it is a part of ${member ?? "a larger volume"}`;
  return info.Writable && info.WritableMedia ? undefined : "it is write-protected";
}

interface Port {
  readonly location: string;
  readonly serial: string;
}

function driveOf(
  entry: Entry,
  info: Info,
  above: readonly Entry[],
  refused: string | undefined,
  sequence: string | undefined,
  port: Port | undefined,
): Drive {
  const disk = entry.DeviceIdentifier;
  const { BusProtocol: bus, Ejectable, Removable, RemovableMedia, RemovableMediaOrExternalDevice } = info;
  const isOutside = info.Internal === false || RemovableMediaOrExternalDevice;
  return {
    ...{ id: disk, isStable: false, path: rawNode(`/dev/${disk}`) },
    slot: port?.location ?? `${info.DeviceTreePath ?? disk} ${info.IORegistryEntryName}`,
    sizeBytes: info.TotalSize ?? info.Size ?? 0,
    model: info.MediaName.trim(),
    serial: port?.serial ?? "",
    transport: BUSES[bus] ?? bus.toLowerCase(),
    isRemovable: bus !== DISK_IMAGE && (isOutside || Ejectable || Removable || RemovableMedia),
    isReadOnly: !info.Writable || !info.WritableMedia,
    contents: [entry, ...above].flatMap(({ Partitions, APFSVolumes }) =>
      [...Partitions, ...APFSVolumes].map(
        ({ Content, VolumeName }) => `${Content || "a volume"}${VolumeName && ` \`${VolumeName}\``}`,
      ),
    ),
    mounts: mountsOf([entry, ...above]),
    ...(refused !== undefined && { refused }),
    number: disk,
    ...(sequence !== undefined && { sequence }),
  };
}

/** The registry numbers what it meets, and gives no number twice while the Mac runs. */
function sequencesOf(media: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { "BSD Name": name, IORegistryEntryID: id } of nodesOf("ioreg IOMedia", media).flatMap(
    flattened,
  ))
    if (name !== undefined && id !== undefined) found.set(name, `${id}`);
  return found;
}

/** Of each disk at USB: the port of the device that is nearest to it, which names the way there through hubs. */
function portsOf(usb: string): ReadonlyMap<string, Port> {
  const found = new Map<string, Port>();
  const walk = (node: Node, outer: Port | undefined): void => {
    const { locationID: location, "USB Serial Number": serial = "", "BSD Name": name } = node;
    const port = location === undefined ? outer : { location: `usb-${location.toString(16)}`, serial };
    if (name !== undefined && port !== undefined) found.set(name, port);
    for (const child of node.IORegistryEntryChildren) walk(child, port);
  };
  for (const node of nodesOf("ioreg IOUSBHostDevice", usb)) walk(node, undefined);
  return found;
}

const nodesOf = (what: string, answer: string): readonly Node[] =>
  answer.trim() === "" ? [] : read(what, z.array(Node), answer);

const flattened = (node: Node): readonly Node[] => [node, ...node.IORegistryEntryChildren.flatMap(flattened)];

function read<T>(what: string, schema: z.ZodType<T, unknown>, answer: string): T {
  // The XML parser has its own word about what is none, on stderr.
  const isWhole = /^\s*<(\?xml|plist)[\s>][^]*<\/plist>\s*$/.test(answer);
  if (!isWhole) throw drivesUnknown(what, "no property list, or not all of it");
  try {
    return schema.parse(parse(answer));
  } catch (cause) {
    throw drivesUnknown(what, cause instanceof Error ? cause.message : String(cause), cause);
  }
}
