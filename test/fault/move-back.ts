/**
 * A board on which data has moved to its SSD, as it was before.
 */
import type { EmulatedBoard } from "../../src/lab/emulated-board.js";
import { writer } from "./writer.js";

/**
 * What the card had is on the card, and the disk has none of it.
 *
 * @param erase whether the disk goes back to being one that nobody has written to
 */
export async function moveBack(board: EmulatedBoard, erase: boolean): Promise<void> {
  await board.sh(`
    set -eu
    systemctl stop ${writer.unit}
    rm -f /run/acknowledged
    umount ${writer.folder}
    sed -i '\\| ${writer.folder} |d' /etc/fstab
    chattr -i ${writer.folder}
    rm -rf ${writer.folder} /srv/ssd/srv-data /var/lib/imcloud/moves
    mv /srv/data.imcloud-old ${writer.folder}
    part=$(findmnt -no SOURCE /srv/ssd)
    disk=/dev/$(lsblk -no PKNAME "$part")
    umount /srv/ssd
    e2fsck -fn "$part"
    if ${erase}; then
      sed -i '\\| /srv/ssd |d' /etc/fstab
      chattr -i /srv/ssd
      rm -r /srv/ssd /var/lib/imcloud/trim
      wipefs -aq "$part" "$disk"
      head -c 4M /dev/zero | dd of="$disk" bs=1M conv=fsync status=none
      udevadm settle
    else mount /srv/ssd; fi
    systemctl daemon-reload
    systemctl start ${writer.unit}
    sync`);
}
