/**
 * A disk with one partition and one file system, for data.
 *
 * The file system's UUID is chosen beforehand, so everything that comes after can be planned before the disk is
 * formatted. The label is written last and says that all of it is there; a run that is cut off before goes on with the
 * disk that it had begun.
 *
 * Source: sfdisk(8), mke2fs(8), e2label(8).
 */
import { z } from "zod";
import { describeDisk, disksScript, parseDisks } from "../board/disks.js";
import { sh, type Script } from "../board/script.js";
import { DISKS } from "../board/state.js";
import { chooseDisk, type Choice } from "./disk-choice.js";
import { AbsolutePath, Uuid } from "./fields.js";
import { FSTAB } from "./fstab.js";
import { known, type Observation, type ResourceId, type ResourceType } from "./resource.js";

const Desired = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9]{0,7}$/, "1 to 8 lower-case letters and digits")
    .describe("the file system's label is `imcloud-NAME`"),
  uuid: Uuid.describe("of the file system; `{{ TEXT | uuid }}` makes one of a text"),
  serial: z
    .union([z.string(), z.int()], "a serial number, in quotes")
    .transform((serial) => (serial === "" ? undefined : String(serial)))
    .optional()
    .describe("which disk, if there is more than one, or if it is to be erased with what is on it"),
  format: z
    .strictObject({
      filesystem: z.enum(["ext4"]).default("ext4"),
      reservedPercent: z.number().min(0).max(20).default(1).describe("kept for root, in percent"),
    })
    .prefault({})
    .describe("how it is formatted"),
  roomFor: z
    .array(AbsolutePath)
    .default([])
    .describe("what will move to it: a disk with less than 1.2 times that is refused"),
});
type Desired = z.infer<typeof Desired>;

/** The label until the file system is whole. */
const UNFINISHED = "imcloud-new";
/** Linux file system data. Source: UEFI GPT type GUIDs as util-linux has them. */
const LINUX_DATA = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";

export const disk: ResourceType<Desired, Choice> = {
  type: "disk",
  schema: Desired,
  key: ({ name }) => name,

  // What takes a while is asked only while a disk is still to be found: its first MiB, and what will move to it.
  probe(all) {
    const folders = [...new Set(all.flatMap(({ desired }) => desired.roomFor))];
    return sh`
seen=$(${disksScript()})
printf '%s\n' "$seen"
todo=
for uuid in ${all.map(({ desired }) => desired.uuid)}; do
  case $seen in *"UUID=\"$uuid\""*) ;; *) todo=yes; ! grep -qs "^UUID=$uuid " ${FSTAB} || printf 'known=%s\n' "$uuid" ;; esac
  [ ! -e ${DISKS}/"$uuid" ] || { read -r serial < ${DISKS}/"$uuid"; printf 'begun=%s %s\n' "$uuid" "$serial"; }
done
case $seen in *${`"${UNFINISHED}"`}*) todo=yes ;; esac
if [ -n "$todo" ]; then
  du -sxk -- ${folders.length > 0 ? folders : ["/nonexistent"]} 2>/dev/null | sed 's/^/size=/'
  for d in /sys/block/*; do
    [ -b "/dev/\${d##*/}" ] || continue
    case \${d##*/} in sd* | nvme*) ;; *) continue ;; esac
    [ "$(head -c 1048576 "/dev/\${d##*/}" | tr -d '\000' | wc -c)" = 0 ] || printf 'written=%s\n' "\${d##*/}"
  done
fi
echo end=`;
  },

  observe(output, all) {
    if (!output.endsWith("end=") && !output.includes("end=\n")) return new Map();
    const rows = output.split("\n");
    const valuesOf = (word: string) =>
      rows.flatMap((row) => (row.startsWith(`${word}=`) ? [row.slice(word.length + 1)] : []));
    const disks = parseDisks(output);
    const bare = new Set(
      disks.flatMap(({ name, parts, filesystem }) => (parts.length === 0 && filesystem === "" ? [name] : [])),
    );
    const marks = {
      written: new Set(valuesOf("written").filter((name) => bare.has(name))),
      known: new Set(valuesOf("known")),
      begun: new Map(valuesOf("begun").map((row) => [row.slice(0, 36), row.slice(37)])),
    };
    const kbOf = new Map(
      valuesOf("size").map((row) => [row.slice(row.indexOf("\t") + 1), Number.parseInt(row, 10)]),
    );
    return new Map(
      all.map(({ id, desired, origin }): [ResourceId, Observation<Choice>] => {
        const { uuid, serial, roomFor } = desired;
        const roomForBytes = roomFor.reduce((sum, path) => sum + (kbOf.get(path) ?? 0) * 1024, 0);
        return [
          id,
          known(chooseDisk({ uuid, serial, roomForBytes, label: labelOf(desired) }, disks, marks, origin)),
        ];
      }),
    );
  },

  diff(desired, observed) {
    if (observed.kind === "absent" || observed.value.kind === "ready") return [];
    const { disk: chosen, holds } = observed.value;
    const {
      format: { filesystem },
      uuid,
    } = desired;
    const device = `/dev/${chosen.name}`;
    const row = [chosen.serial, String(chosen.sizeBytes)];
    return [
      {
        kind: "create",
        risk: "destructive",
        before: `${describeDisk(chosen)}: ${holds.length === 0 ? "empty" : `${holds.join("; ")}, all of which is erased`}`,
        after: `${filesystem} \`${labelOf(desired)}\`, UUID ${uuid}`,
        // Letters move; and nobody may have begun to use it meanwhile.
        check: sh`
[ "$(lsblk -dnbo SERIAL,SIZE ${device} | xargs)" = ${row.filter((word) => word !== "").join(" ")} ] || { echo ${`${device} is another disk now`}; exit 1; }
! lsblk -nro MOUNTPOINT ${device} | grep -q . || { echo ${`${device} is in use now`}; exit 1; }`,
        apply: formatScript(desired, device, chosen.serial),
        folders: [DISKS],
      },
    ];
  },
};

const labelOf = ({ name }: Pick<Desired, "name">): string => `imcloud-${name}`;

function formatScript({ name, uuid, format }: Desired, device: string, serial: string): Script {
  const table = `label: gpt\nlabel-id: ${uuid}\nstart=1MiB, type=${LINUX_DATA}, uuid=${uuid}, name="${labelOf({ name })}"\n`;
  return sh`
settle() { if command -v udevadm > /dev/null; then udevadm settle --timeout=60; fi; }
# Said before the first byte goes: whoever comes after a power cut goes on with this disk.
printf '%s\n' ${serial} > ${DISKS}/${uuid}
sync ${DISKS}/${uuid} ${DISKS}
for part in $(lsblk -nro NAME ${device} | tac); do wipefs -aq "/dev/$part"; done
printf '%s' ${table} | sfdisk --quiet --wipe always --wipe-partitions always ${device}
settle
part=/dev/$(lsblk -nro NAME,TYPE ${device} | awk '$2 == "part" { print $1; exit }')
[ -b "$part" ] || { echo ${`no partition appeared on ${device}`}; exit 1; }
# Without discard: whether the adapter can be trusted with that is not known yet.
${`mkfs.${format.filesystem}`} -q -F -E nodiscard -m ${format.reservedPercent} -U ${uuid} -L ${UNFINISHED} "$part"
sync "$part"
e2fsck -fn "$part"
e2label "$part" ${labelOf({ name })}
sync "$part"
settle
rm ${DISKS}/${uuid}
sync ${DISKS}`;
}
