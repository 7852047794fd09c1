/**
 * Whether the disks lie: ext4 counts the errors that it met, and turns read-only when it dares no more; the kernel
 * logs what a card or disk did not read or write.
 *
 * The counter stays until e2fsck has run, so the finding says when the last error was.
 * Source: kernel documentation, ext4, "/sys/fs/ext4/<disk>/errors_count"; block/blk-core.c, "I/O error, dev".
 */
import { sh } from "../../board/script.js";
import { fail, fieldsOf, notApplicable, ok, warn, type HealthCheck } from "../check.js";

const HINT = "save what is on it, run e2fsck, and think of another card, disk or power supply";

export const diskErrors: HealthCheck = {
  id: "disk-errors",
  title: "Disk errors",
  unit: "count",

  probe: () => sh`
for d in /sys/fs/ext4/*/; do
  [ -r "$d/errors_count" ] || continue
  printf '%s %s %s\n' "$(basename "$d")" "$(cat "$d/errors_count")" "$(cat "$d/last_error_time" 2>/dev/null)"
done
awk '$2 == "/" && $4 ~ /(^|,)ro(,|$)/ { print "readonly=" $2 }' /proc/mounts
# A container's kernel log is its machine's.
[ -e /run/systemd/container ] || printf 'kernel=%s\n' "$(dmesg 2>/dev/null | grep -cE 'I/O error, dev|Buffer I/O error')"`,

  judge({ stdout }, { now }) {
    if (fieldsOf(stdout).has("readonly")) return fail("the root file system is read-only", { hint: HINT });
    const counted = stdout.split("\n").flatMap((line) => {
      const [, disk, count, last] = /^(\S+) (\d+) ?(\d*)$/.exec(line) ?? [];
      return disk === undefined ? [] : [{ disk, count: Number(count), last: Number(last) }];
    });
    const total = counted.reduce((sum, { count }) => sum + count, 0);
    const figure = { measured: String(total), value: total, threshold: "1" };
    const worst = counted.find(({ count }) => count > 0);
    const logged = Number(fieldsOf(stdout).get("kernel") ?? 0);
    if (worst === undefined && logged > 0) {
      const measured = String(logged);
      return warn("I/O errors in the kernel's log since boot", {
        ...figure,
        measured,
        value: logged,
        hint: HINT,
      });
    }
    if (worst === undefined) return counted.length === 0 ? notApplicable : ok("no errors counted", figure);
    const since = worst.last > 0 ? `, the last ${daysAgo(worst.last, now)}` : "";
    return fail(`${worst.count} errors on ${worst.disk}${since}`, { ...figure, hint: HINT });
  },
};

function daysAgo(seconds: number, now: Date): string {
  const days = Math.floor((now.getTime() / 1000 - seconds) / 86_400);
  return days <= 0 ? "today" : days === 1 ? "yesterday" : `${days} days ago`;
}
