/**
 * What a board's disk holds, as text that two moments can be compared by.
 */

/**
 * Not the disk, or written by every login and every tick of the clock. In /var/tmp folders come and go with the
 * services that systemd gives a /tmp of their own, and some of those end when nobody has asked them for a while.
 */
const LEFT_OUT = ["/run", "/proc", "/sys", "/dev", "/tmp", "/var/tmp", "/var/log"];
const LOGIN_RECORDS = ["/var/log/wtmp", "/var/log/btmp", "/var/log/lastlog", "/var/lib/lastlog"];

/**
 * A script for the board that prints one line for each file, sorted: type, mode, owner, modification time, path,
 * link target, and then one line with the SHA-256 of each regular file.
 */
export function manifestScript(): string {
  const pruned = [...LEFT_OUT, ...LOGIN_RECORDS].map((path) => `-path ${path}`).join(" -o ");
  return [
    "export LC_ALL=C",
    `find / \\( ${pruned} \\) -prune -o -printf '%p\\t%y %m %U:%G %T@ %l\\n' | sort`,
    `find / \\( ${pruned} \\) -prune -o -type f -print0 | sort -z | xargs -0r sha256sum`,
  ].join("\n");
}

/** The lines that only one of two manifests has: `-` before, `+` after. Empty when nothing changed. */
export function compareManifests(before: string, after: string): readonly string[] {
  const [one, other] = [new Set(before.split("\n")), new Set(after.split("\n"))];
  return [
    ...[...one].filter((line) => !other.has(line)).map((line) => `- ${line}`),
    ...[...other].filter((line) => !one.has(line)).map((line) => `+ ${line}`),
  ];
}
