/**
 * Which disk a playbook means, and whether it may be erased. Pure.
 *
 * A letter names no disk: the next boot may deal it out otherwise. What counts is the file system's UUID once imcloud
 * has made it, and until then the serial number, or that there is only one empty disk. Whatever could be somebody's
 * data is refused, unless that very disk is named.
 */
import { describeDisk, holdings, sizeInWords, type Disk } from "../board/disks.js";
import { ImcloudError, type Origin } from "../shared/errors.js";

export interface Wanted {
  readonly uuid: string;
  /** Of the finished file system. */
  readonly label: string;
  readonly serial?: string | undefined;
  /** What will move to it, in bytes. */
  readonly roomForBytes: number;
}

/** What a probe knows beyond {@link Disk}. */
export interface Marks {
  /** Names of disks without any known content whose first MiB is not empty. */
  readonly written: ReadonlySet<string>;
  /** File systems that fstab mounts at boot, by UUID: their disk was there once. */
  readonly known: ReadonlySet<string>;
  /** The serial number of the disk whose formatting was begun, by UUID. */
  readonly begun: ReadonlyMap<string, string>;
}

export type Choice =
  | { readonly kind: "ready"; readonly disk: Disk }
  | { readonly kind: "to-format"; readonly disk: Disk; readonly holds: readonly string[] };

const SERIAL_SETTING = "`vars: { ssd: { serial: … } }` in imcloud.yaml";

/** A file system needs room of its own, and data grows while it moves. */
export const SPARE = 1.2;

/**
 * @param origin where the playbook asks for it
 * @throws ImcloudError `board.disk-refused`
 */
export function chooseDisk(wanted: Wanted, disks: readonly Disk[], marks: Marks, origin: Origin): Choice {
  const refuse = refusal(origin, disks);
  const finished = disks.filter((disk) =>
    disk.parts.some(({ uuid, label }) => uuid === wanted.uuid && label === wanted.label),
  );
  const [ready] = finished;
  if (finished.length > 1)
    throw refuse("two disks carry the file system that the playbook asks for", {
      found: listed(finished),
      expected: `one disk with the file system ${wanted.uuid}`,
      hint: "one is a copy of the other: unplug one of them",
    });
  if (ready !== undefined) return { kind: "ready", disk: ready };

  const begun = marks.begun.get(wanted.uuid);
  const serial = wanted.serial ?? begun;
  const holdsOf = (disk: Disk) => [
    ...holdings(disk),
    ...(marks.written.has(disk.name) ? ["data of a kind that nobody knows"] : []),
  ];
  if (serial === undefined && marks.known.has(wanted.uuid))
    throw refuse("the disk that this board's data is on is not there", {
      expected: `the disk with the file system ${wanted.uuid}`,
      hint: `plug it in; to begin with another one, name it: ${SERIAL_SETTING}`,
    });
  const disk =
    serial === undefined ? onlyEmpty(disks, holdsOf, refuse) : bySerial(serial, disks, wanted, refuse);
  refuseUnfit(disk, wanted, refuse);
  return { kind: "to-format", disk, holds: holdsOf(disk) };
}

type Refuse = (message: string, details: { found?: string; expected?: string; hint: string }) => ImcloudError;

function bySerial(serial: string, disks: readonly Disk[], wanted: Wanted, refuse: Refuse): Disk {
  const named = disks.filter((disk) => disk.serial === serial);
  const [disk] = named;
  if (disk === undefined)
    throw refuse(`no disk has the serial number ${serial}`, {
      hint:
        wanted.serial === undefined
          ? "its formatting was begun: plug that disk in again"
          : "plug it in, or name one that is there: `imcloud facts` lists them",
    });
  if (named.length > 1)
    throw refuse(`${named.length} disks tell the serial number ${serial}`, {
      hint: "some adapters all tell the same: plug in only the one that is meant until it is formatted",
    });
  return disk;
}

function onlyEmpty(disks: readonly Disk[], holdsOf: (disk: Disk) => readonly string[], refuse: Refuse): Disk {
  const others = disks.filter(({ isSystem, transport }) => !isSystem && transport !== "mmc");
  const empty = others.filter((disk) => holdsOf(disk).length === 0);
  const [only] = empty;
  if (only !== undefined && empty.length === 1) return only;
  if (empty.length > 1)
    throw refuse(`${empty.length} empty disks could be meant`, {
      found: listed(empty),
      hint: `name one: ${SERIAL_SETTING}`,
    });
  if (others.length > 0)
    throw refuse("the disk is not empty", {
      found: others.map((disk) => `${describeDisk(disk)}: ${holdsOf(disk).join("; ")}`).join("\n"),
      expected: "a disk without partitions and file systems",
      hint: `plug in an empty one, or name the one that is to be erased with all that is on it: ${SERIAL_SETTING}`,
    });
  throw refuse("there is no disk beside the one that the system is on", {
    hint: "plug the disk in, and look at `imcloud facts`; an adapter that draws too much power shows none",
  });
}

function refuseUnfit(disk: Disk, { roomForBytes }: Wanted, refuse: Refuse): void {
  const name = describeDisk(disk);
  if (disk.isSystem)
    throw refuse("the system is on that disk", { found: name, hint: "name another serial number" });
  const built = disk.parts.filter(({ type }) => type !== "part").map(({ type, name }) => `${type} ${name}`);
  const inUse = [...holdings(disk).filter((what) => what.endsWith(" in use")), ...built];
  if (inUse.length > 0)
    throw refuse("that disk is in use", {
      found: `${name}: ${inUse.join("; ")}`,
      hint: "unmount what is on it and stop what is built upon it, or name another serial number",
    });
  if (disk.readOnly)
    throw refuse("that disk is read-only", {
      found: name,
      hint: "look for a lock switch; many adapters turn a worn-out disk read-only",
    });
  const needed = Math.ceil(roomForBytes * SPARE);
  if (disk.sizeBytes < needed)
    throw refuse("that disk is too small for what is to move to it", {
      found: `${name}, for ${sizeInWords(roomForBytes)} of data`,
      expected: `at least ${sizeInWords(needed)}`,
      hint: "plug in a larger disk, or leave something out of `ssd.move`",
    });
}

const listed = (disks: readonly Disk[]): string => disks.map(describeDisk).join("\n");

const refusal =
  (origin: Origin, disks: readonly Disk[]): Refuse =>
  (message, { found, ...details }) =>
    new ImcloudError("board.disk-refused", message, {
      origin,
      found: found ?? (disks.length === 0 ? "no disk at all" : listed(disks)),
      ...details,
    });
