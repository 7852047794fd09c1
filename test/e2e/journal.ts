/** Where a board's journal is. */
import type { VirtualBoard } from "../../src/lab/virtual-board.js";

/** @returns the folder that journald writes to at this moment: `/var/log/journal`, or `/run/log/journal` in memory */
export const journalFolder = (board: Pick<VirtualBoard, "sh">): Promise<string> =>
  board.sh(`pid=$(systemctl show -p MainPID --value systemd-journald)
    ls -l /proc/"$pid"/fd | sed -n 's/.* -> \\(.*\\)\\/[0-9a-f]*\\/system[.]journal$/\\1/p'`);
