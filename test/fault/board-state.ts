/**
 * The state that two boards can be compared by: files, packages, units, kernel parameters.
 *
 * Left out is what differs between any two boards or any two runs: keys, identities, times, caches, imcloud's own
 * records of how it got there.
 */
import type { VirtualBoard } from "../../src/lab/virtual-board.js";

const LEFT_OUT = [
  ...["/run", "/proc", "/sys", "/dev", "/tmp", "/var/log", "/var/tmp"],
  ...["/etc/machine-id", "/etc/ssh/ssh_host_*", "/etc/hostname"],
  ...["/var/lib/imcloud", "/var/lib/systemd", "/var/lib/private", "/var/lib/apt", "/var/cache"],
  ...["/var/lib/dpkg/*-old", "/var/lib/dpkg/lock*", "/etc/*-", "/var/lib/sudo"],
];

/** @returns sorted text; equal texts are boards that behave alike */
export async function boardState(board: VirtualBoard): Promise<string> {
  const pruned = LEFT_OUT.map((path) => `-path '${path}'`).join(" -o ");
  return board.sh(
    [
      "export LC_ALL=C",
      `find / \\( ${pruned} \\) -prune -o \\( -type f -o -type l \\) -printf '%p %y %m %U:%G %l\\n' | sort`,
      // Folders: not their times, and not whether a hard link more or less is in them.
      `find / \\( ${pruned} \\) -prune -o -type d -printf '%p %m %U:%G\\n' | sort`,
      `find / \\( ${pruned} \\) -prune -o -type f -print0 | sort -z | xargs -0r sha256sum`,
      "dpkg-query -W -f '${Package} ${Version} ${Status}\\n'",
      "systemctl list-unit-files --no-legend --no-pager --state=enabled,masked",
      "systemctl list-units --no-legend --no-pager --plain --state=failed",
      "sysctl -a 2>/dev/null | grep -E '^(vm|net.core|net.ipv4.tcp)' | grep -v -e stat -e nr_ -e orphan",
    ].join("\n"),
  );
}
