/** A second disk for a virtual board: a file with ext4 in it, mounted as a loop. */
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";

/** @returns a board with a disk of that size at /srv/ssd; what nobody writes to it takes no room */
export async function boardWithDisk(name: string, size: string): Promise<VirtualBoard> {
  const board = await virtualBoard(name);
  await board.sh(`
    mkdir /srv/ssd
    truncate -s ${size} /root/disk
    mkfs.ext4 -q /root/disk
    mknod /dev/loop-control c 10 237
    free=$(losetup -f)
    mknod "$free" b 7 "\${free#/dev/loop}"
    mount -o loop="$free" /root/disk /srv/ssd`);
  return board;
}
