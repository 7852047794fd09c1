/**
 * TRIM on a USB disk, where it really works.
 *
 * Behind many adapters Linux leaves it off, because it does not ask them; some that admit the command lose data by it.
 * So the adapter is asked (SBC-4, logical block provisioning), and then it is tried: what is not to be trimmed must read
 * back as it was. What came out is written down on the board, so it is asked once. Only `fstrim` is for use then,
 * weekly; never the mount option `discard`.
 *
 * Source: kernel documentation, "/sys/class/scsi_disk/.../provisioning_mode"; sg_vpd(8), fstrim(8).
 */
import { z } from "zod";
import { sh, type Script } from "../board/script.js";
import { STATE } from "../board/state.js";
import { MountPoint, Uuid } from "./fields.js";
import { known, resourceId, type Observation, type ResourceId, type ResourceType } from "./resource.js";

const Desired = z.strictObject({
  path: MountPoint.describe("where the disk is mounted"),
  uuid: Uuid.describe("of the file system"),
});
type Desired = z.infer<typeof Desired>;

interface Observed {
  /** What an earlier run found out: `works ADAPTER`, or `off: REASON`; empty before. */
  readonly finding: string;
  readonly isOn: boolean;
}

/** A file for each file system that was asked about, named by its UUID. */
const FINDINGS = `${STATE}/trim`;

export const diskTrim: ResourceType<Desired, Observed> = {
  type: "disk-trim",
  schema: Desired,
  key: ({ path }) => path,

  probe: () => sh`
grep -s '' /dev/null ${FINDINGS}/* | sed 's/^/found /'
grep -s '' /dev/null /sys/block/*/queue/discard_max_bytes | sed 's/^/max /'
find /dev/disk/by-uuid -printf 'uuid %f %l\n' 2> /dev/null
echo end`,

  observe(output, all) {
    const rows = output.split("\n");
    if (!rows.includes("end")) return new Map();
    const find = (pattern: RegExp) => rows.flatMap((row) => pattern.exec(row)?.[1] ?? [])[0];
    return new Map(
      all.map(({ desired: { path, uuid } }): [ResourceId, Observation<Observed>] => {
        const finding = find(new RegExp(`^found \\S*/${uuid}:(.*)$`)) ?? "";
        const part = find(new RegExp(`^uuid ${uuid} .*/([^/]+)$`)) ?? "";
        const disk = part
          .replace(/^(sd[a-z]+|vd[a-z]+)\d+$/, "$1")
          .replace(/^(nvme\d+n\d+|mmcblk\d+)p\d+$/, "$1");
        const most = find(new RegExp(`^max /sys/block/${disk}/queue/discard_max_bytes:(\\d+)$`));
        return [resourceId("disk-trim", path), known({ finding, isOn: Number(most ?? 0) > 0 })];
      }),
    );
  },

  diff(desired, observed) {
    const { finding, isOn } = observed.kind === "known" ? observed.value : { finding: "", isOn: false };
    if (finding.startsWith("off") || (finding.startsWith("works") && isOn)) return [];
    const rules = rulesOf(desired);
    return [
      {
        kind: finding === "" ? "create" : "update",
        risk: "none",
        before: finding === "" ? "nobody has asked the adapter" : "worked, and is off",
        after: "on if the adapter admits it and a trial proves it, else off",
        folders: [FINDINGS],
        apply: tryTrim(desired, rules),
        undo: sh`rm -f ${rules} ${`${FINDINGS}/${desired.uuid}`}`,
      },
    ];
  },
};

const rulesOf = ({ uuid }: Desired): string => `/etc/udev/rules.d/71-imcloud-trim-${uuid.slice(0, 8)}.rules`;

/** What is kept is a quarter of what is trimmed beside it. In MiB. */
const KEPT_MIB = 8;
const TRIMMED_MIB = 32;

function tryTrim({ path, uuid }: Desired, rules: string): Script {
  const finding = `${FINDINGS}/${uuid}`;
  const trial = `${path}/.imcloud-trim`;
  return sh`
mountpoint -q ${path} || { echo ${`${path} is not mounted: the disk is not there`}; exit 1; }
part=$(readlink -f ${`/dev/disk/by-uuid/${uuid}`})
disk=$(readlink -f "/sys/class/block/\${part##*/}/..")
adapter=$disk
while [ -n "$adapter" ] && [ ! -e "$adapter/idVendor" ]; do adapter=\${adapter%/*}; done
kind=none
[ -z "$adapter" ] || kind=$(cat "$adapter/idVendor"):$(cat "$adapter/idProduct")
conclude() {
  rm -rf ${trial}
  printf '%s\n' "$1" > ${`${finding}.new`}
  sync ${`${finding}.new`}
  mv ${`${finding}.new`} ${finding}
  sync ${FINDINGS}
  echo "TRIM: $1"
  exit 0
}
is_on() { [ "$(cat "$disk/queue/discard_max_bytes")" -gt 0 ]; }
set_mode() { for mode in "$disk"/device/scsi_disk/*/provisioning_mode; do printf '%s' "$1" > "$mode"; done; }
# For adapters of this kind, also after the next boot.
rule() {
  printf 'ACTION=="add|change", SUBSYSTEM=="scsi_disk", ATTRS{idVendor}=="%s", ATTRS{idProduct}=="%s", ATTR{provisioning_mode}="%s"\n' \
    "\${kind%:*}" "\${kind#*:}" "$1" > ${`${rules}.new`}
  sync ${`${rules}.new`}
  mv ${`${rules}.new`} ${rules}
  udevadm control --reload
}

was_on=yes
if ! is_on; then
  was_on=no
  [ -n "$adapter" ] && [ -d "$disk/device/scsi_disk" ] || conclude 'off: the kernel knows no way to tell this disk'
  sg_vpd -p lbpv "/dev/\${disk##*/}" 2> /dev/null | grep -q '(LBPU): 1' || conclude 'off: the adapter does not pass it on'
  sg_vpd -p bl "/dev/\${disk##*/}" 2> /dev/null | grep -q 'Maximum unmap LBA count: [1-9]' || conclude 'off: the adapter says no limit for it'
  if grep -qsFx "works $kind" ${finding}; then
    # Proved before, with an adapter of the same kind.
    set_mode unmap
    is_on || conclude 'off: the kernel does not take it'
    rule unmap
    conclude "works $kind"
  fi
  [ -z "$(find ${path} -mindepth 1 -maxdepth 1 ! -name lost+found ! -name .imcloud-trim)" ] ||
    conclude 'off: not tried, because the disk holds data already'
  set_mode unmap
  is_on || conclude 'off: the kernel does not take it'
fi

mkdir -p ${trial}
head -c ${KEPT_MIB}M /dev/urandom > ${`${trial}/kept`}
head -c ${TRIMMED_MIB}M /dev/urandom > ${`${trial}/trimmed`}
sync -f ${trial}
sum=$(sha256sum < ${`${trial}/kept`})
rm ${`${trial}/trimmed`}
sync -f ${trial}
why=
timeout 300 fstrim ${path} || why='off: fstrim fails'
echo 1 > /proc/sys/vm/drop_caches
[ "$(sha256sum < ${`${trial}/kept`})" = "$sum" ] || why='off: it destroys data that is not to go'
if [ -n "$why" ]; then
  if [ -n "$adapter" ] && [ -d "$disk/device/scsi_disk" ]; then set_mode disabled; rule disabled; fi
  conclude "$why"
fi
[ "$was_on" = yes ] || rule unmap
conclude "works $kind"`;
}
