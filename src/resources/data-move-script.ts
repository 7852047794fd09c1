/**
 * What a board does to move a folder to another disk: see data-move.ts for why in this order.
 *
 * State is kept on both disks. On the card: the line in fstab, `units` (what was running and is to run again) and
 * `done` below {@link MOVES}. On the other disk: `TO.imcloud-copying`, there for as long as the copy may be incomplete.
 */
import { sh, type Script } from "../board/script.js";
import { MOVES } from "../board/state.js";
import { SPARE } from "./disk-choice.js";
import { dropGone, dropLine, FSTAB, putLine, sealedFolder } from "./fstab.js";
import { folderOf } from "./replace-file.js";
import type { UnitName } from "./resource.js";

export interface Move {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** The mount point that `to` is below. */
  readonly disk: string;
  readonly units: readonly UnitName[];
  /** Of fstab: from the moment that it is there, `to` counts. */
  readonly line: string;
}

/** Ends the same wherever an earlier try was cut off. */
export function moveScript({ name, from, to, disk, units, line }: Move): Script {
  const state = `${MOVES}/${name}`;
  const copying = `${to}.imcloud-copying`;
  return sh`
holds() { [ -d "$1" ] && [ -n "$(ls -A "$1")" ]; }
is_switched() { grep -qFx -e ${line} ${FSTAB}; }
start_units() { [ ! -s ${state}/units ] || xargs systemctl start < ${state}/units; }
stop_units() {
  {
    cat ${state}/units 2> /dev/null || :
    for unit in ${units}; do
      # What stopped because its disk was gone, and is to run at boot, runs again too.
      if systemctl is-active -q "$unit" || { is_switched && systemctl is-enabled -q "$unit" 2> /dev/null; }; then echo "$unit"; fi
    done
  } | sort -u > ${state}/units.new
  sync ${state}/units.new
  mv ${state}/units.new ${state}/units
  sync ${state}
  [ ! -s ${state}/units ] || xargs systemctl stop < ${state}/units
}
# What ends before the switch leaves all as it was; between the switch and the mount nothing may start.
trap 'code=$?; [ "$code" = 0 ] || { is_switched && ! mountpoint -q ${from}; } || start_units; exit "$code"' EXIT

mountpoint -q ${disk} || { echo ${`${disk} is not mounted: the disk is not there`}; exit 1; }
if is_switched; then
  [ -d ${to} ] || {
    echo ${`${to} is not on the disk that is mounted at ${disk}: is it another one?`}
    echo ${`To begin anew without that data, take this line out of ${FSTAB}: ${line}`}
    exit 1
  }
  stop_units
else
${copyToDisk({ from, to, disk, copying })}
${putLine(line)}
fi

# From here on the copy on the disk is what counts.
${dropGone(from)}
! mountpoint -q ${from} || umount ${from}
if holds ${from}; then
  [ ! -e ${`${from}.imcloud-old`} ] || { echo ${`${from}.imcloud-old is in the way: an older copy`}; exit 1; }
  mv -T ${from} ${`${from}.imcloud-old`}
  sync ${folderOf(from)}
fi
${sealedFolder(from)}
sync ${from} ${folderOf(from)}
rm -f ${copying}
sync ${disk}
systemctl daemon-reload
mount ${from}
start_units
touch ${state}/done
sync ${state}/done
rm -f ${state}/units
sync ${state}
[ ! -e ${`${from}.imcloud-old`} ] || echo ${`the old copy stays for now: ${from}.imcloud-old`}`;
}

/**
 * Two passes and a proof. The first copies while the services run. The second, with everything stopped, compares all
 * files by checksum and copies those that differ; what it copied is then read back from both disks. Caches are dropped
 * before, so that it is the disk that answers.
 */
function copyToDisk({ from, to, disk, copying }: Record<"from" | "to" | "disk" | "copying", string>): Script {
  // The limit is for rsync itself, in seconds without any progress: a large file's checksum takes minutes on a card.
  const copy = sh`rsync -8aHAXS --numeric-ids --delete --timeout=1800`;
  return sh`
device=$(findmnt -no SOURCE ${disk})
# Once the disk is gone, rsync's processes may wait for each other: somebody has to tell them.
copy() {
  ${copy} "$@" ${`${from}/`} ${`${to}/`} & copying=$!
  { while [ -b "$device" ]; do sleep 1; done; kill "$copying"; } > /dev/null 2>&1 & watching=$!
  ended=0
  wait "$copying" || ended=$?
  kill "$watching" 2> /dev/null || :
  [ -b "$device" ] || { echo ${`the disk of ${disk} went away`} >&2; return 1; }
  return "$ended"
}
if holds ${from} && holds ${to} && [ ! -e ${copying} ]; then echo ${`both ${from} and ${to} hold data`}; exit 1; fi
if holds ${from}; then
  : > ${copying}
  sync ${copying} ${disk}
  mkdir -p ${to}
  needed=$(du -sxk ${from} | awk '{ printf "%d", $1 * ${SPARE} }')
  free=$(( $(df -Pk ${to} | awk 'NR == 2 { print $4 }') + $(du -sxk ${to} | cut -f 1) ))
  [ "$free" -ge "$needed" ] || { echo ${`not enough room on ${disk}:`} "$needed KiB are needed, $free KiB are free"; exit 1; }
  echo ${`copying ${from} while its services run`}
  # 24: a file was gone before it was its turn, as files of running services are.
  copy || [ $? = 24 ]
  sync -f ${to}
  echo 1 > /proc/sys/vm/drop_caches
  stop_units
  echo ${`the last pass, by checksum`}
  changed=$(mktemp /run/imcloud/move.XXXXXXXX)
  : > "$changed.stopped"
  copy --checksum --out-format='%i %n' > "$changed.list"
  sed -n 's/^>f[^ ]* //p' "$changed.list" > "$changed"
  sync -f ${to}
  echo 1 > /proc/sys/vm/drop_caches
  (cd ${from} && xargs -r -d '\n' sha256sum -- < "$changed") > "$changed.read"
  (cd ${to} && xargs -r -d '\n' sha256sum -- < "$changed") > "$changed.written"
  cmp "$changed.read" "$changed.written" ||
    { echo ${`what was written to ${disk} does not read back the same: the disk or its adapter is bad`}; exit 1; }
  late=$(find ${from} -newer "$changed.stopped" -print -quit)
  [ -z "$late" ] || { echo "somebody still writes to $late: name its unit too"; exit 1; }
  rm -f "$changed" "$changed".*
else
  # Nothing to move: the folder is new, or the card is, and what the disk holds is the data.
  stop_units
  mkdir -p ${to}
  [ -n "$(ls -A ${to})" ] || [ ! -d ${from} ] || { chown --reference=${from} ${to}; chmod --reference=${from} ${to}; }
  sync -f ${to}
fi`;
}

/** The copy on the card, once nobody needs it any more. */
export function removeOldScript({ from }: Move): Script {
  return sh`
mountpoint -q ${from} || { echo ${`${from} is not on its disk: the old copy stays`}; exit 1; }
rm -rf --one-file-system ${`${from}.imcloud-old`}`;
}

/** For `destroy` with data: nothing of it stays, on neither disk. */
export function unmoveScript({ name, from, to, units, line }: Move): Script {
  return sh`
[ "\${IMCLOUD_WITH_DATA:-no}" = yes ] || exit 0
for unit in ${units}; do systemctl stop "$unit" 2> /dev/null || :; done
! mountpoint -q ${from} || umount ${from}
${dropLine(line)}
systemctl daemon-reload
chattr -i ${from} 2> /dev/null || :
rm -rf --one-file-system ${from} ${`${from}.imcloud-old`} ${to} ${`${to}.imcloud-copying`} ${`${MOVES}/${name}`}`;
}
