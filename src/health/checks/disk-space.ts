/**
 * Space and inodes of the fullest local file system.
 *
 * A full disk stops RabbitMQ (its disk alarm blocks publishers), SQLite and apt, in this order.
 */
import { sh } from "../../board/script.js";
import { judgeFullness } from "../../shared/board-judgements.js";
import { unknown, type HealthCheck, type Judgement, type ProbeResult } from "../check.js";

/**
 * The rows of `df -P`: what counts is what can fill up, so nothing that lives in memory or is always full. The root
 * counts whatever it is: a virtual board's is an overlay.
 */
const fullest = (flag: string) => sh`
df -P ${flag} / | sed 1d
df -P ${flag} -x tmpfs -x devtmpfs -x overlay -x squashfs -x efivarfs -x iso9660 | sed 1d`;

export const diskSpace: HealthCheck = {
  id: "disk-space",
  title: "Disk space",
  unit: "ratio",
  probe: () => fullest("-k"),
  judge: (result) => judgeRows(result),
};

export const inodes: HealthCheck = {
  id: "inodes",
  title: "Inodes",
  after: ["disk-space"],
  unit: "ratio",
  probe: () => fullest("-i"),
  judge: (result) => judgeRows(result, "of its inodes used"),
};

function judgeRows({ stdout }: ProbeResult, what?: string): Judgement {
  const byDevice = new Map<string, { readonly mount: string; readonly ratio: number }>();
  for (const line of stdout.split("\n")) {
    // Device, size, used, available, percent, mount point (which may hold spaces).
    const [, device, used, available, mount] =
      /^(\S.*?)\s+\d+\s+(\d+)\s+(\d+)\s+(?:\d+%|-)\s+(\/.*)$/.exec(line) ?? [];
    const total = Number(used) + Number(available);
    if (device === undefined || mount === undefined || !(total > 0)) continue;
    // What a container shows of the machine that it runs on. Source: systemd's container interface, /run/host.
    if (mount.startsWith("/run/host/")) continue;
    // Mounted in several places, it is known by the shortest of their names.
    const known = byDevice.get(device);
    if (known === undefined || mount.length < known.mount.length)
      byDevice.set(device, { mount, ratio: Number(used) / total });
  }
  const rows = [...byDevice.values()];
  const worst = rows.reduce<(typeof rows)[number] | undefined>(
    (most, row) => (most === undefined || row.ratio > most.ratio ? row : most),
    undefined,
  );
  if (worst === undefined)
    return unknown("no local file system is shown", { hint: "look at `df` on the board" });
  return judgeFullness(worst.ratio, worst.mount, what);
}
