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
    umount /srv/ssd
    e2fsck -fn /dev/sda1
    if ${erase}; then
      sed -i '\\| /srv/ssd |d' /etc/fstab
      chattr -i /srv/ssd
      rm -r /srv/ssd /var/lib/imcloud/trim
      wipefs -aq /dev/sda1 /dev/sda
      head -c 4M /dev/zero | dd of=/dev/sda bs=1M conv=fsync status=none
      partx -d /dev/sda 2> /dev/null || :
    else mount /srv/ssd; fi
    systemctl daemon-reload
    systemctl start ${writer.unit}
    sync`);
}
