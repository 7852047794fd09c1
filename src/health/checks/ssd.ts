/**
 * The disk that data was moved to: there, mounted, written to, quick, and well by its own account.
 *
 * What should be mounted is what imcloud wrote into fstab, marked `x-imcloud`. Errors of its file system are
 * `disk-errors`' business.
 *
 * Source: smartctl(8), exit status bit 3 and "overall-health"; kernel documentation, sysfs-bus-usb: `speed` in Mbit/s,
 * `version` is 2.1 or more where the device could be faster than its port.
 */
import { sh } from "../../board/script.js";
import { badUnderUas } from "../../board/usb-adapters.js";
import { fail, fieldsOf, ok, percent, warn, type HealthCheck } from "../check.js";

/** USB 2. In Mbit/s. */
const HIGH_SPEED = 480;

/** One or two come with plugging in; of an adapter that others have had trouble with, one is enough. */
const MANY_RESETS = 3;
const ONE_RESET = 1;

export const ssd: HealthCheck = {
  id: "ssd",
  title: "SSD",
  playbook: "ssd",
  unit: "ratio",

  probe: () => sh`
seen=$(awk '
  FILENAME == "/etc/fstab" { if ($4 ~ /(^|,)x-imcloud(,|$)/) { place[$2] = $1; if ($1 ~ /^UUID=/) disk = $2 } next }
  { for (i = 7; i <= NF; i++) if ($i == "-") { device[$5] = $(i + 2); flags[$5] = $6 "," $(i + 3) } }
  END {
    if (disk == "") exit
    print "path=" disk; print "uuid=" substr(place[disk], 6); print "device=" device[disk]; print "flags=" flags[disk]
    for (path in place) if (path != disk && (device[path] == "" || device[path] != device[disk])) print "away=" path
  }' /etc/fstab /proc/self/mountinfo)
printf '%s\n' "$seen"
path=$(printf '%s\n' "$seen" | sed -n 's/^path=//p')
uuid=$(printf '%s\n' "$seen" | sed -n 's/^uuid=//p')
[ -n "$uuid" ] || exit 0
part=$(readlink -e "/dev/disk/by-uuid/$uuid") || exit 0
echo "part=$part"
disk=$(readlink -f "/sys/class/block/\${part##*/}/..")
df -Pk "$path" | awk 'NR == 2 { print "used=" $3; print "free=" $4 }'
usb=$disk
while [ -n "$usb" ] && [ ! -e "$usb/speed" ]; do usb=\${usb%/*}; done
[ ! -e "$usb/idVendor" ] || echo "adapter=$(cat "$usb/idVendor"):$(cat "$usb/idProduct")"
echo "resets=$(dmesg 2> /dev/null | grep -cE 'uas_eh_abort_handler|usb .*: reset (high|[Ss]uper)-?[Ss]peed')"
[ -z "$usb" ] || echo "speed=$(cat "$usb/speed")" "version=$(tr -d ' ' < "$usb/version")" | tr ' ' '\n'
for finding in /var/lib/imcloud/trim/"$uuid"; do [ ! -r "$finding" ] || echo "trim=$(cat "$finding")"; done
command -v smartctl > /dev/null || exit 0
smartctl -H -d sat "/dev/\${disk##*/}" > /dev/null; echo "smart=$?"`,

  judge({ stdout }) {
    const fields = fieldsOf(stdout);
    const of = (name: string) => fields.get(name) ?? "";
    if (of("path") === "")
      return fail("no disk is set up", {
        hint: "plug it in and run `imcloud apply`; `imcloud plan` says what it lacks",
      });
    const path = of("path");
    if (of("part") === "")
      return fail(`the disk of ${path} is not there, and what keeps its data on it does not run`, {
        measured: `UUID ${of("uuid")}`,
        hint: "look at plug, cable and power supply, then run `imcloud apply`",
      });
    if (of("device") !== of("part"))
      return fail(`the disk is there, but not mounted at ${path}`, {
        measured: of("device") === "" ? of("part") : `${of("device")} is mounted there`,
        hint: "run `imcloud apply`, which mounts it and starts what waits for it",
      });
    if (/(^|,)ro(,|$)/.test(of("flags")))
      return fail(`${path} is read-only`, {
        hint: "the kernel met errors on it: save what is on it, run e2fsck, and think of another disk or cable",
      });
    if (of("away") !== "")
      return fail(`${of("away")} is not on the disk`, { hint: "run `imcloud apply`, which mounts it there" });
    // Bit 3: the disk itself says that it fails. Bits 0 and 1: nobody could ask it.
    const smart = Number(of("smart") || 0);
    if ((smart & 0b1000) !== 0)
      return fail("the disk says of itself that it fails (SMART)", {
        hint: "save what is on it and replace it",
      });
    const used = Number(of("used")) / (Number(of("used")) + Number(of("free")));
    const figure = { measured: percent(used), value: used };
    const speed = Number(of("speed"));
    if (speed > 0 && speed <= HIGH_SPEED && Number(of("version")) >= 2.1)
      return warn("a USB 3 disk on a USB 2 port, or behind such a cable", {
        ...figure,
        measured: `${speed} Mbit/s`,
        threshold: "5000 Mbit/s",
        hint: "plug it into a blue port, with a cable for USB 3",
      });
    const resets = Number(of("resets") || 0);
    const known = badUnderUas(of("adapter"));
    const threshold = known === undefined ? MANY_RESETS : ONE_RESET;
    if (resets >= threshold)
      return warn("the adapter keeps losing the disk", {
        ...figure,
        measured: `${resets} resets since boot`,
        threshold: String(threshold),
        hint:
          known === undefined
            ? `try another cable and power supply; if it stays: \`vars: { ssd: { quirks: ["${of("adapter")}:u"] } }\``
            : `others have had that with it (${known.name}; ${known.source}): \`vars: { ssd: { quirks: known } }\``,
      });
    const trim = of("trim").startsWith("works") ? ", TRIM works" : of("trim") && `, TRIM ${of("trim")}`;
    return ok(`mounted at ${path}${trim}`, figure);
  },
};
