/**
 * What a board is: read once per run, by one script, in a few milliseconds.
 *
 * Only what a playbook may decide by is here, and only what stays the same between two runs of an unchanged
 * board: the facts of the last run are then good enough to plan the next one with a single exec. What moves
 * (load, temperature, free memory) is health's.
 */
import { z } from "zod";
import { disksScript, holdings, parseDisks } from "./disks.js";
import { sh, type Script } from "./script.js";

/** Packages whose installed version playbooks decide by. */
const WATCHED_PACKAGES = [
  "rabbitmq-server",
  "erlang-base",
  "chrony",
  "unattended-upgrades",
  "systemd-timesyncd",
  ...["rpi-swap", "systemd-zram-generator", "zram-tools"],
  "openssh-server",
  "network-manager",
] as const;

/** Packages that set up swap in compressed memory by themselves. */
const ZRAM_PACKAGES: readonly string[] = ["rpi-swap", "systemd-zram-generator", "zram-tools"];

const PACKAGE_ROW = "package=${db:Status-Status} ${Package} ${Version}\\n";

export const Facts = z.object({
  hostname: z.string(),
  os: z.object({
    id: z.string().describe("`ID` of os-release: debian, raspbian, ubuntu"),
    versionId: z.string().describe("`VERSION_ID`: 12, 18.04; empty on a testing release"),
    codename: z.string().describe("`VERSION_CODENAME`: bookworm, bionic"),
    prettyName: z.string(),
  }),
  /** Of the userland, not of the kernel: a 64-bit kernel boots under 32-bit systems too. */
  arch: z.string().describe("dpkg's name: arm64, armhf, amd64"),
  kernel: z.string().describe("`uname -r`"),
  model: z.string().describe("the board's model as its firmware names it; empty if it does not"),
  ramMb: z.number().int().describe("MemTotal in MiB"),
  cpus: z.number().int(),
  systemd: z.number().int().min(1).describe("systemd's version"),
  cgroup: z.union([z.literal(1), z.literal(2)]).describe("2 when the unified hierarchy is in use"),
  init: z.string().describe("what runs as process 1"),
  bootFolder: z
    .string()
    .describe("/boot/firmware or /boot: where the firmware's files are; empty if neither is mounted"),
  addresses: z
    .array(z.string())
    .describe("global addresses, without prefix length; those of the network with the way out come first"),
  device: z
    .string()
    .describe("the network interface with the way out, else that of the first network; empty if none"),
  wifi: z.array(z.string()).describe("network interfaces that are radios"),
  ufw: z.boolean().describe("whether ufw is the firewall that is switched on"),
  timeSync: z.string().describe("the time service that is installed: systemd-timesyncd, chrony, ntp or none"),
  packages: z
    .record(z.string(), z.string())
    .describe("installed versions of the packages that decide something"),
  swap: z.enum(["none", "disk", "zram"]),
  zram: z
    .enum(["free", "taken", "none"])
    .default("none")
    .describe("`free`: the kernel can swap into compressed memory, and nobody but imcloud sets that up"),
  memoryControl: z
    .boolean()
    .default(true)
    .describe("whether the kernel enforces memory limits of services; a Pi's has to be told to"),
  watchdog: z.boolean().default(false).describe("whether there is a hardware watchdog"),
  container: z.string().describe("the container manager's name, empty on a real machine"),
  disks: z
    .array(
      z.object({
        serial: z.string().describe("as the disk or its adapter tells it; empty if it does not"),
        model: z.string(),
        transport: z.string().describe("usb, nvme, sata, mmc; empty if the kernel does not tell"),
        adapter: z.string().default("").describe("USB ids of what is before it: 152d:0578; empty elsewhere"),
        sizeMb: z.number().int().describe("in MiB"),
        rotational: z.boolean().describe("many USB adapters say so of an SSD too"),
        removable: z.boolean(),
        system: z.boolean().describe("the board starts or runs from it"),
        holds: z.array(z.string()).describe("what is on it, in words; empty when nothing is"),
      }),
    )
    .default([]),
  fileSystems: z
    .record(z.string(), z.number().int())
    .default({})
    .describe("sizes in MiB of the local file systems that keep what is written, by mount point"),
});
export type Facts = z.infer<typeof Facts>;

/** What can be read is read by one process: on a board each costs some milliseconds, in every run. */
const FILES = [
  "/proc/sys/kernel/hostname",
  "/proc/sys/kernel/osrelease",
  "/proc/1/comm",
  "/run/systemd/container",
  "/etc/os-release",
  "/proc/meminfo",
  "/proc/swaps",
  "/proc/net/fib_trie",
  "/proc/net/route",
  "/sys/fs/cgroup/cgroup.controllers",
  "/proc/cgroups",
  "/run/imcloud-zram",
  "/etc/ufw/ufw.conf",
];

/** awk's view of {@link FILES}. */
const READ = String.raw`
FILENAME ~ /hostname$/ { print "hostname=" $0 }
FILENAME ~ /osrelease$/ { print "kernel=" $0 }
FILENAME ~ /comm$/ { print "init=" $0 }
FILENAME ~ /container$/ { print "container=" $0 }
FILENAME ~ /os-release$/ && /^(ID|VERSION_ID|VERSION_CODENAME|PRETTY_NAME)=/ { gsub(/"/, ""); print "os." $0 }
FILENAME ~ /meminfo$/ && /^MemTotal:/ { print "ramKb=" $2 }
FILENAME ~ /swaps$/ && FNR > 1 { print "swap=" $1 }
FILENAME ~ /fib_trie$/ { if (/32 host/) print "address=" last; last = $2 }
FILENAME ~ /cgroup.controllers$/ { print "controllers=" $0 }
FILENAME ~ /cgroups$/ && $1 == "memory" { print "cgroup1.memory=" $4 }
FILENAME ~ /imcloud-zram$/ { print "zram.own=" $0 }
FILENAME ~ /route$/ && FNR > 1 { print "route=" $1 " " $2 " " $8 }
FILENAME ~ /ufw.conf$/ && /^ENABLED=yes/ { print "ufw=yes" }`;

/** Prints `name=value` lines. Every value is one line; a name may come several times. */
export function factsScript(): Script {
  return sh`
set --
for f in ${FILES}; do [ ! -r "$f" ] || set -- "$@" "$f"; done
awk ${READ} "$@"
printf 'arch=%s\n' "$(dpkg --print-architecture)"
for f in /proc/device-tree/model /sys/firmware/devicetree/base/model; do
  [ -r "$f" ] && { printf 'model=%s\n' "$(tr -d '\000' < "$f")"; break; }
done
printf 'cpus=%s\n' "$(getconf _NPROCESSORS_ONLN)"
systemctl --version | { read -r _ version _; printf 'systemd=%s\n' "$version"; }
[ -e /sys/fs/cgroup/cgroup.controllers ] && echo cgroup=2 || echo cgroup=1
for d in /boot/firmware /boot; do [ -e "$d/config.txt" ] && { printf 'bootFolder=%s\n' "$d"; break; }; done
modprobe -qn zram 2>/dev/null && echo zram.kernel=yes
[ -c /dev/watchdog ] && echo watchdog=yes
for p in systemd-timesyncd chronyd ntpd; do
  for d in /lib/systemd /usr/lib/systemd /usr/sbin; do
    [ -x "$d/$p" ] && { printf 'timeSync=%s\n' "$p"; break 2; }
  done
done
for d in /sys/class/net/*/phy80211; do
  [ -e "$d" ] && { d=\${d%/phy80211}; printf 'wifi=%s\n' "\${d##*/}"; }
done
df -P -k -l -x tmpfs -x devtmpfs -x squashfs 2>/dev/null | sed 's/^/df=/'
dpkg-query -W -f ${PACKAGE_ROW} ${[...WATCHED_PACKAGES]} 2>/dev/null
${disksScript()}
:`;
}

/**
 * Reads what {@link factsScript} printed.
 *
 * @throws z.ZodError when a fact that every supported system has is missing
 */
export function parseFacts(output: string): Facts {
  const all = new Map<string, string[]>();
  for (const line of output.split("\n")) {
    const [, name, value] = /^([\w.]+)=(.*)$/.exec(line) ?? [];
    if (name !== undefined) all.set(name, [...(all.get(name) ?? []), value ?? ""]);
  }
  const one = (name: string): string => all.get(name)?.[0] ?? "";
  const swaps = all.get("swap") ?? [];
  const packages = installedOf(all.get("package") ?? []);
  const foreignZram = swaps.some((name) => name.startsWith("/dev/zram") && name !== one("zram.own"));
  const isTaken = foreignZram || ZRAM_PACKAGES.some((name) => name in packages);

  return Facts.parse({
    hostname: one("hostname"),
    os: {
      id: one("os.ID"),
      versionId: one("os.VERSION_ID"),
      codename: one("os.VERSION_CODENAME"),
      prettyName: one("os.PRETTY_NAME"),
    },
    arch: one("arch"),
    kernel: one("kernel"),
    model: one("model"),
    ramMb: Math.round(Number(one("ramKb")) / 1024),
    cpus: Number(one("cpus")),
    systemd: Number(one("systemd")),
    cgroup: Number(one("cgroup")),
    init: one("init"),
    bootFolder: one("bootFolder"),
    addresses: addressesOf(all.get("address") ?? [], all.get("route") ?? []),
    device: deviceOf(all.get("route") ?? []),
    wifi: all.get("wifi") ?? [],
    ufw: one("ufw") === "yes",
    timeSync:
      { "systemd-timesyncd": "systemd-timesyncd", chronyd: "chrony", ntpd: "ntp" }[one("timeSync")] ?? "none",
    packages,
    swap: swaps.some((name) => name.startsWith("/dev/zram")) ? "zram" : swaps.length > 0 ? "disk" : "none",
    zram: isTaken ? "taken" : one("zram.kernel") === "yes" ? "free" : "none",
    memoryControl: one("controllers").split(" ").includes("memory") || one("cgroup1.memory") === "1",
    watchdog: one("watchdog") === "yes",
    container: one("container"),
    disks: parseDisks(output).map((disk) => ({
      serial: disk.serial,
      model: disk.model,
      transport: disk.transport,
      adapter: disk.adapter,
      sizeMb: Math.round(disk.sizeBytes / 1024 ** 2),
      rotational: disk.rotational,
      removable: disk.removable,
      system: disk.isSystem,
      holds: holdings(disk),
    })),
    fileSystems: sizesOf(all.get("df") ?? []),
  });
}

/**
 * Each address once, in an order that does not change by itself. A board may have bridges of its own (containers):
 * where clients find it is the network that its default route goes through.
 *
 * @param routes interface, destination and mask, as /proc/net/route has them: hexadecimal, the first byte last
 */
function addressesOf(addresses: readonly string[], routes: readonly string[]): string[] {
  const rows = routes.map((route) => route.split(" "));
  const ways = rows.flatMap(([name, to]) => (to === "00000000" ? [name] : []));
  const networks = rows.flatMap(([name, to = "", mask = ""]) =>
    ways.includes(name) && to !== "00000000" ? [{ to: parseInt(to, 16), mask: parseInt(mask, 16) }] : [],
  );
  const isOutside = (address: string): number => {
    const bits = address.split(".").reduceRight((sum, byte) => sum * 256 + Number(byte), 0);
    return networks.some(({ to, mask }) => (bits & mask) >>> 0 === to) ? 0 : 1;
  };
  return [...new Set(addresses)]
    .filter((address) => !address.startsWith("127."))
    .sort((one, other) => isOutside(one) - isOutside(other) || (one < other ? -1 : 1));
}

/** Bridges that containers hang on come behind all others. */
function deviceOf(routes: readonly string[]): string {
  const rows = routes.map((route) => route.split(" "));
  const isBridge = (name: string) => /^(docker|br-|virbr|veth|lxc)/.test(name);
  const wayOut = rows.find(([, to]) => to === "00000000");
  const network = rows.find(([name = ""]) => !isBridge(name)) ?? rows[0];
  return (wayOut ?? network)?.[0] ?? "";
}

/** @param rows of `df -P -k`; what a container shows of its machine (/run/host) is not the board's */
function sizesOf(rows: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    rows.flatMap((row) => {
      const [, sizeKb, mount] = /\s(\d+)\s+\d+\s+-?\d+\s+(?:\d+%|-)\s+(\/.*)$/.exec(row) ?? [];
      return mount === undefined || mount.startsWith("/run/")
        ? []
        : [[mount, Math.floor(Number(sizeKb) / 1024)]];
    }),
  );
}

function installedOf(rows: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    rows.flatMap((row) => {
      const [status, name, version] = row.split(" ");
      return status === "installed" && name !== undefined && version !== undefined ? [[name, version]] : [];
    }),
  );
}

/** Which of the supported releases this is, by userland: `debian-12`, `ubuntu-18.04`; Raspberry Pi OS counts as its Debian. */
export function releaseOf({ os }: { readonly os: Pick<Facts["os"], "id" | "versionId"> }): string {
  return `${os.id === "raspbian" ? "debian" : os.id}-${os.versionId}`;
}
