/**
 * Each check by what a board printed: recorded on boards and virtual boards, or, where marked, written after
 * the documentation of the program.
 */
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { makeAuthority } from "../../../src/fleet/authority.js";
import type { HealthCheck, Judgement } from "../../../src/health/check.js";
import { CHECKS } from "../../../src/health/checks.js";

const NOW = new Date("2026-11-23T12:00:00Z");
const check = (id: string): HealthCheck => {
  const found = CHECKS.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no check ${id}`);
  return found;
};
const judge = (id: string, stdout: string, exitCode = 0): Judgement =>
  check(id).judge(
    { stdout, exitCode },
    { playbooks: [], bad: new Set(), askedAt: new Date(NOW.getTime() - 2_000), now: NOW },
  );

type Case = readonly [
  title: string,
  id: string,
  stdout: string,
  verdict: Judgement["verdict"],
  summary: string | RegExp,
  exitCode?: number,
];

const SSD = "path=/srv/ssd\nuuid=7f648332-ab36-86e1-8581-153602ff7373";

const CASES: readonly Case[] = [
  [
    "a bookworm board",
    "system",
    "name=Debian GNU/Linux 12 (bookworm)\nkernel=6.12.34+rpt-rpi-v8",
    "ok",
    "Debian GNU/Linux 12 (bookworm)",
  ],
  ["no os-release", "system", "kernel=6.1", "unknown", /os-release/],

  [
    "bookworm is supported",
    "support",
    "ID=debian\nVERSION_ID=12",
    "ok",
    "free security updates until 2028-06-30",
  ],
  ["Raspberry Pi OS counts as its Debian", "support", "ID=raspbian\nVERSION_ID=13", "ok", /2030-06-30/],
  [
    "bullseye is over since August",
    "support",
    "ID=debian\nVERSION_ID=11",
    "warning",
    "free security updates ended on 2026-08-31",
  ],
  ["18.04 is long over", "support", "ID=ubuntu\nVERSION_ID=18.04", "warning", /2023-05-31/],
  ["a release of the future", "support", "ID=debian\nVERSION_ID=14", "unknown", /debian-14/],

  // Written after kernel documentation, admin-guide/tainted-kernels.
  ["a quiet kernel", "kernel", "0\n", "ok", "no fault since boot"],
  ["out-of-tree modules are no fault", "kernel", "4096\n", "ok", "no fault since boot"],
  ["a kernel that warned", "kernel", "512\n", "warning", /warned/],
  ["a stuck core", "kernel", "16384\n", "warning", /stuck/],
  ["an oops weighs more than its warning", "kernel", "640\n", "critical", /died/],
  ["damaged memory", "kernel", "32\n", "critical", /damaged/],
  ["a container's machine may be ill", "kernel", "512\nsystemd-nspawn\n", "ok", "its machine's kernel"],
  ["a kernel that is silent", "kernel", "", "unknown", /does not say/],

  ["no watchdog", "watchdog", "", "not-applicable", /./],
  ["an armed watchdog", "watchdog", "device=yes\nRuntimeWatchdogUSec=14s", "ok", /restarts/],
  ["a watchdog that nobody feeds", "watchdog", "device=yes\nRuntimeWatchdogUSec=0", "warning", /stays so/],
  ["a watchdog and a silent systemd", "watchdog", "device=yes", "unknown", /systemd/],

  ["limits are for Pis", "memory-limits", "model=\ncontainer=\nv1=0", "not-applicable", /./],
  [
    "limits are on",
    "memory-limits",
    "model=Raspberry Pi 4 Model B Rev 1.4\ncontainer=\ncontrollers=cpu io memory pids",
    "ok",
    /enforces/,
  ],
  [
    "limits are on in version 1",
    "memory-limits",
    "model=Raspberry Pi 4 Model B Rev 1.4\ncontainer=\nv1=1",
    "ok",
    /enforces/,
  ],
  [
    "limits are off",
    "memory-limits",
    "model=Raspberry Pi 4 Model B Rev 1.4\ncontainer=\ncontrollers=cpu io pids\nv1=0",
    "warning",
    /does not enforce/,
  ],

  ["idle", "load", "load=0.12\ncpus=4", "ok", "five-minute load"],
  ["busy", "load", "load=7.10\ncpus=4", "warning", "five-minute load"],
  ["overrun", "load", "load=40.00\ncpus=4", "critical", "five-minute load"],
  ["no load at all", "load", "load=\ncpus=", "unknown", /cannot be read/],

  [
    "plenty of memory",
    "memory",
    "MemTotal:        3884308 kB\nMemAvailable:    3212300 kB",
    "ok",
    "3137 MiB of 3793 MiB available",
  ],
  [
    "little memory",
    "memory",
    "MemTotal:         926776 kB\nMemAvailable:      60000 kB",
    "warning",
    /59 MiB/,
  ],
  [
    "no memory left",
    "memory",
    "MemTotal:         926776 kB\nMemAvailable:      10000 kB",
    "critical",
    /10 MiB/,
  ],

  [
    "room on both disks",
    "disk-space",
    "/dev/mmcblk0p2   29900000 5200000  23400000      19% /\n/dev/mmcblk0p1     522230   76000    446230      15% /boot/firmware",
    "ok",
    "/ is 18 % full",
  ],
  [
    "a full disk with spaces in its name",
    "disk-space",
    "/dev/root  29900000 5200000 23400000 19% /\n/dev/sda1 100 97 3 97% /mnt/my photos",
    "critical",
    "/mnt/my photos is 97 % full",
  ],
  [
    "bind mounts are one disk",
    "disk-space",
    "/dev/sda1 100 50 50 50% /srv/data\n/dev/sda1 100 50 50 50% /",
    "ok",
    "/ is 50 % full",
  ],
  [
    "a virtual board's root, not the files of the machine below it",
    "disk-space",
    "overlay 264212084 19807088 75694176 21% /\n/dev/vda 100 97 3 97% /run/host/os-release",
    "ok",
    "/ is 21 % full",
  ],
  ["no disk shown", "disk-space", "", "unknown", /no local file system/],
  [
    "inodes run out",
    "inodes",
    "/dev/root 1900000 1700000 200000 90% /",
    "warning",
    "/ is 89 % of its inodes used",
  ],
  ["btrfs counts no inodes", "inodes", "/dev/sdb1 0 0 0 - /mnt\n/dev/root 100 10 90 10% /", "ok", /^\/ /],

  ["clean disks", "disk-errors", "mmcblk0p2 0 \nsda1 0 ", "ok", "no errors counted"],
  [
    "errors, with the time of the last",
    "disk-errors",
    "sda1 3 1795348800",
    "critical",
    "3 errors on sda1, the last yesterday",
  ],
  [
    "read-only root",
    "disk-errors",
    "mmcblk0p2 0 \nreadonly=/",
    "critical",
    "the root file system is read-only",
  ],

  ["a disk that was never set up", "ssd", "", "critical", "no disk is set up"],
  [
    "all is well",
    "ssd",
    `${SSD}\ndevice=/dev/sda1\nflags=rw,noatime,rw\npart=/dev/sda1\nused=10\nfree=90\nspeed=5000\nversion=3.20\ntrim=works 152d:0578\nsmart=0`,
    "ok",
    "mounted at /srv/ssd, TRIM works",
  ],
  [
    "an adapter that passes neither TRIM nor SMART",
    "ssd",
    `${SSD}\ndevice=/dev/sda1\nflags=rw\npart=/dev/sda1\nused=10\nfree=90\ntrim=off: the adapter does not pass it on\nsmart=2`,
    "ok",
    "mounted at /srv/ssd, TRIM off: the adapter does not pass it on",
  ],
  ["pulled out", "ssd", `${SSD}\ndevice=\nflags=`, "critical", /is not there, and what keeps its data on it/],
  ["not mounted", "ssd", `${SSD}\ndevice=\nflags=\npart=/dev/sda1`, "critical", /not mounted at \/srv\/ssd/],
  [
    "another disk in its place",
    "ssd",
    `${SSD}\ndevice=/dev/sdb1\nflags=rw\npart=/dev/sda1`,
    "critical",
    /not mounted/,
  ],
  [
    "turned read-only",
    "ssd",
    `${SSD}\ndevice=/dev/sda1\nflags=rw,noatime,ro\npart=/dev/sda1`,
    "critical",
    /read-only/,
  ],
  [
    "a folder on the card again",
    "ssd",
    `${SSD}\ndevice=/dev/sda1\nflags=rw\npart=/dev/sda1\naway=/var/lib/imcloud-server`,
    "critical",
    "/var/lib/imcloud-server is not on the disk",
  ],
  [
    "SMART says it fails",
    "ssd",
    `${SSD}\ndevice=/dev/sda1\nflags=rw\npart=/dev/sda1\nsmart=8`,
    "critical",
    /SMART/,
  ],
  [
    "in a USB 2 port",
    "ssd",
    `${SSD}\ndevice=/dev/sda1\nflags=rw\npart=/dev/sda1\nused=10\nfree=90\nspeed=480\nversion=2.10`,
    "warning",
    /USB 2 port/,
  ],
  [
    "an adapter that fails under UAS",
    "ssd",
    `${SSD}\ndevice=/dev/sda1\nflags=rw\npart=/dev/sda1\nused=10\nfree=90\nspeed=5000\nversion=3.00\nadapter=152d:0578\nresets=14`,
    "warning",
    /keeps losing the disk/,
  ],
  [
    "one reset of an adapter that is known for it",
    "ssd",
    `${SSD}\ndevice=/dev/sda1\nflags=rw\npart=/dev/sda1\nused=10\nfree=90\nspeed=5000\nversion=3.00\nadapter=152d:0578\nresets=1`,
    "warning",
    /keeps losing the disk/,
  ],
  [
    "one reset of another",
    "ssd",
    `${SSD}\ndevice=/dev/sda1\nflags=rw\npart=/dev/sda1\nused=10\nfree=90\nspeed=5000\nversion=3.00\nadapter=174c:55aa\nresets=1`,
    "ok",
    /mounted/,
  ],
  [
    "a USB 2 disk can do no better",
    "ssd",
    `${SSD}\ndevice=/dev/sda1\nflags=rw\npart=/dev/sda1\nused=10\nfree=90\nspeed=480\nversion=2.00`,
    "ok",
    /mounted/,
  ],

  ["warm", "temperature", "temperature=51121\n", "ok", "chip temperature"],
  ["hot", "temperature", "temperature=76800\n", "warning", "chip temperature"],
  ["too hot", "temperature", "temperature=82200\n", "critical", "chip temperature"],
  [
    "hot soon",
    "temperature",
    "temperature=68000\nwas 100 60000\nwas 400 62000\nwas 1000 68000\n",
    "warning",
    "chip temperature rises",
  ],
  [
    "warm as it always was",
    "temperature",
    "temperature=68000\nwas 100 67500\nwas 1000 68000\n",
    "ok",
    "chip temperature",
  ],
  [
    "cool, and at work since a moment ago",
    "temperature",
    "temperature=50000\nwas 100 30000\nwas 500 50000\n",
    "ok",
    "chip temperature",
  ],
  ["a figure of yesterday", "temperature", "temperature=68000\nwas 10 30000\nwas 90000 68000\n", "ok", /./],
  ["no sensor", "temperature", "temperature=\n", "not-applicable", /./],
  [
    "a Pi without a figure",
    "temperature",
    "model=Raspberry Pi 4 Model B\ntemperature=\n",
    "unknown",
    /no figure/,
  ],
  [
    "a container on a Pi",
    "temperature",
    "model=Raspberry Pi 4 Model B\ncontainer=systemd-nspawn\ntemperature=\n",
    "not-applicable",
    /./,
  ],
  ["a Pi that tells no flags", "throttling", "model=Raspberry Pi 4 Model B\nalarm=0", "unknown", /no flags/],
  ["no disk that counts", "disk-errors", "", "not-applicable", /./],
  ["errors that only the kernel saw", "disk-errors", "mmcblk0p2 0 \nkernel=3\n", "warning", /kernel's log/],

  [
    "good power",
    "power",
    "model=Raspberry Pi 4 Model B Rev 1.4\ncontainer=\nthrottled=0x0",
    "ok",
    "no under-voltage since boot",
  ],
  [
    "bad power now",
    "power",
    "model=Raspberry Pi 4 Model B Rev 1.4\ncontainer=\nthrottled=0x50005",
    "critical",
    "under-voltage now",
  ],
  [
    "bad power before",
    "power",
    "model=Raspberry Pi 4 Model B Rev 1.4\nthrottled=0x50000",
    "warning",
    "under-voltage since boot; clears at the next boot",
  ],
  [
    "no vcgencmd, but the kernel's sensor",
    "power",
    "model=Raspberry Pi 3 Model B\nalarm=1",
    "warning",
    /under-voltage/,
  ],
  [
    "nobody tells",
    "power",
    "model=Raspberry Pi 4 Model B Rev 1.4\n",
    "unknown",
    "the firmware gave no flags",
  ],
  ["not a Pi", "power", "throttled=0x0", "not-applicable", /./],
  [
    "a virtual board",
    "power",
    "model=Raspberry Pi 4 Model B Rev 1.4\ncontainer=systemd-nspawn",
    "not-applicable",
    /./,
  ],
  [
    "capped",
    "throttling",
    "model=Raspberry Pi 4 Model B\nthrottled=0x6",
    "critical",
    "the firmware slows the processors now",
  ],
  ["was hot", "throttling", "model=Raspberry Pi 4 Model B\nthrottled=0x80000", "warning", /since boot/],
  ["full speed", "throttling", "model=Raspberry Pi 4 Model B\nthrottled=0x0", "ok", "full speed since boot"],

  [
    "the right time",
    "clock",
    `now=${NOW.getTime() / 1000 - 1}\nsynchronized=yes\ncontainer=`,
    "ok",
    "synchronized",
  ],
  [
    "not synchronized yet",
    "clock",
    `now=${NOW.getTime() / 1000}\nsynchronized=no\ncontainer=`,
    "warning",
    "not synchronized",
  ],
  ["from the past", "clock", "now=1735689600.5\nsynchronized=no\ncontainer=", "critical", /behind/],
  [
    "three seconds ahead",
    "clock",
    `now=${NOW.getTime() / 1000 + 3}\nsynchronized=yes\ncontainer=`,
    "warning",
    /ahead/,
  ],
  [
    "in a container",
    "clock",
    `now=${NOW.getTime() / 1000}\nsynchronized=no\ncontainer=systemd-nspawn`,
    "ok",
    "its machine's clock",
  ],

  // What wins over what: sysctl.test.ts.
  [
    "nobody contradicts",
    "sysctl",
    "file:/etc/sysctl.d/60-imcloud.conf\nis:/etc/sysctl.d/60-imcloud.conf\n/etc/sysctl.d/60-imcloud.conf:vm.swappiness = 10\n",
    "ok",
    "the next boot keeps them",
  ],
  [
    "somebody took our file away",
    "sysctl",
    "file:/usr/lib/sysctl.d/50-pid-max.conf\nis:/usr/lib/sysctl.d/50-pid-max.conf\n",
    "warning",
    /is not there/,
  ],
  ["no sysctl.d at all", "sysctl", "", "unknown", /no sysctl\.d/],

  [
    "broker runs",
    "rabbitmq-service",
    "LoadState=loaded\nActiveState=active\nSubState=running\nNRestarts=0\nActiveEnterTimestampMonotonic=1000000\nuptime=5000.00",
    "ok",
    "runs",
  ],
  [
    "broker restarted just now",
    "rabbitmq-service",
    "LoadState=loaded\nActiveState=active\nSubState=running\nNRestarts=2\nActiveEnterTimestampMonotonic=4900000000\nuptime=5000.00",
    "warning",
    "restarted itself 2 times, last 100 s ago",
  ],
  [
    "broker restarted long ago: the verdict clears",
    "rabbitmq-service",
    "LoadState=loaded\nActiveState=active\nSubState=running\nNRestarts=2\nActiveEnterTimestampMonotonic=1000000\nuptime=5000.00",
    "ok",
    "runs",
  ],
  [
    "broker failed",
    "rabbitmq-service",
    "LoadState=loaded\nActiveState=failed\nSubState=failed",
    "critical",
    "does not run",
  ],
  [
    "broker starts",
    "rabbitmq-service",
    "LoadState=loaded\nActiveState=activating\nSubState=start",
    "warning",
    "still starting",
  ],
  [
    "broker not there",
    "rabbitmq-service",
    "LoadState=not-found\nActiveState=inactive",
    "critical",
    "not installed",
  ],
  [
    "server not deployed yet",
    "imserver-service",
    "LoadState=not-found\nActiveState=inactive",
    "critical",
    "not installed",
  ],
  ["port open", "kafka-port", "", "ok", "accepts connections"],
  ["port open", "calls-port", "", "ok", "accepts connections"],
  ["port closed", "calls-port", "", "critical", "runs, but accepts no connections", 1],
  [
    "the relay is not there",
    "calls-service",
    "LoadState=not-found\nActiveState=inactive",
    "critical",
    "not installed",
  ],
  ["port closed", "kafka-port", "", "critical", "runs, but accepts no connections", 1],
  [
    "Kafka runs",
    "kafka-service",
    "LoadState=loaded\nActiveState=active\nSubState=running\nNRestarts=0\nuptime=900.00",
    "ok",
    "runs",
  ],
  [
    "Kafka's log within its part",
    "kafka-log",
    "data=/var/lib/kafka/data\nformatted=yes\nusedKb=1048576\ndiskKb=30440332",
    "ok",
    "keeps within its part of the disk",
  ],
  [
    "Kafka's log takes the disk",
    "kafka-log",
    "data=/var/lib/kafka/data\nformatted=yes\nusedKb=18000000\ndiskKb=30440332",
    "warning",
    "takes 59 % of the disk",
  ],
  [
    "Kafka's disk is not there",
    "kafka-log",
    "data=/mnt/ssd/kafka/data\nusedKb=\ndiskKb=",
    "critical",
    "its storage is not there",
  ],
  ["Kafka's settings are gone", "kafka-log", "", "unknown", "its settings name no folder", 1],
  [
    "Kafka's folder tells no size",
    "kafka-log",
    "data=/var/lib/kafka/data\nformatted=yes\nusedKb=\ndiskKb=30440332",
    "unknown",
    "nobody tells how large it is",
  ],
  ["port open", "rabbitmq-port", "", "ok", "accepts connections"],
  ["port closed", "rabbitmq-port", "", "critical", "runs, but accepts no connections", 1],

  [
    "no alarms",
    "rabbitmq-alarms",
    "HTTP/1.1 200 OK\n\nerlang_vm_process_count 412\nrabbitmq_alarms_memory_used_watermark 0\n",
    "ok",
    "none",
  ],
  [
    "disk alarm",
    "rabbitmq-alarms",
    "erlang_vm_process_count 412\nrabbitmq_alarms_free_disk_space_watermark 1\n",
    "critical",
    "publishers are blocked: disk space",
  ],
  // 3.6, written after its documentation.
  [
    "3.6, no alarms",
    "rabbitmq-alarms",
    "command-line\n[{pid,1},\n {alarms,[]},\n {vm_memory_limit,1}]",
    "ok",
    "none",
  ],
  [
    "3.6, memory alarm",
    "rabbitmq-alarms",
    "command-line\n[{alarms,[memory]}]",
    "critical",
    "publishers are blocked: memory",
  ],
  // 3.7, written after its documentation.
  [
    "3.7, no alarms",
    "rabbitmq-alarms",
    "command-line\nRuntime\n\nAlarms\n\n(none)\n\nMemory\n",
    "ok",
    "none",
  ],
  ["neither", "rabbitmq-alarms", "", "unknown", /neither/],
  [
    "empty queues",
    "rabbitmq-queues",
    "rabbitmq_queue_messages 0\nrabbitmq_queue_messages_ready 5\n",
    "ok",
    "waiting in all queues",
  ],
  [
    "a backlog",
    "rabbitmq-queues",
    'rabbitmq_queue_messages{queue="a"} 9000\nrabbitmq_queue_messages{queue="b"} 2000\n',
    "warning",
    "messages pile up",
  ],
  ["a large backlog", "rabbitmq-queues", "rabbitmq_queue_messages 1.2e+06\n", "critical", "messages pile up"],

  [
    "server works",
    "imserver",
    '{"ok":true,"steps":[{"name":"login","ms":80.1,"ok":true},{"name":"send","ms":12,"ok":true}]}\n',
    "ok",
    "login, send",
  ],
  [
    "server slow",
    "imserver",
    '{"ok":true,"steps":[{"name":"login","ms":3000,"ok":true}]}',
    "warning",
    "works, slowly",
  ],
  [
    "broker unreachable",
    "imserver",
    '{"ok":false,"steps":[{"name":"login","ms":1,"ok":true},{"name":"broker","ms":2,"ok":false,"error":"ECONNREFUSED"}]}',
    "critical",
    "broker failed: ECONNREFUSED",
  ],
  [
    "a broker of the cluster is off",
    "imserver",
    '{"ok":true,"steps":[{"name":"broker","ms":2,"ok":true}],"warning":"3 of 3 partitions of `imcloud.events` have fewer copies than they should"}',
    "warning",
    "works, but 3 of 3 partitions of `imcloud.events` have fewer copies than they should",
  ],
  ["probe broke off", "imserver", "error: something\n", "critical", /its probe/, 1],

  ["no certificate", "certificate", "", "critical", "there is none", 1],
  ["a broker that is alone has none", "kafka-certificate", "none\n", "not-applicable", "nothing of the kind"],
  ["no PEM", "kafka-certificate", "hello", "unknown", "it cannot be read"],
  ["no PEM", "certificate", "hello", "unknown", "it cannot be read"],

  ["nothing failed", "failed-units", "", "ok", "none failed"],
  [
    "one failed",
    "failed-units",
    "apt-daily.service loaded failed failed Daily apt download activities\n",
    "warning",
    "failed: apt-daily.service",
  ],
  [
    "ours have their own checks",
    "failed-units",
    "rabbitmq-server.service loaded failed failed RabbitMQ\n",
    "ok",
    "none failed",
  ],

  ["no reboot", "reboot", "\n", "ok", "none pending"],
  [
    "reboot for a kernel",
    "reboot",
    "required\nlinux-image-rpi-v8\n",
    "warning",
    "pending for linux-image-rpi-v8",
  ],

  ["up to date", "updates", `lists=${NOW.getTime() / 1000 - 3_600}.25\nsecurity=0`, "ok", "none missing"],
  ["updates missing", "updates", `lists=${NOW.getTime() / 1000 - 3_600}\nsecurity=4`, "warning", "4 missing"],
  [
    "old lists",
    "updates",
    `lists=${NOW.getTime() / 1000 - 40 * 86_400}\nsecurity=0`,
    "unknown",
    "apt last asked 40 days ago",
  ],
  ["no lists", "updates", "lists=\nsecurity=0", "unknown", /no package lists/],
  ["apt broken", "updates", "lists=1\nsecurity=0", "unknown", "apt does not say", 1],

  [
    "a cable as it should be",
    "link",
    "model=Raspberry Pi 4 Model B Rev 1.4\ncontainer=\ndevice=eth0\nthere=yes\nspeed=1000\nduplex=full\nroot=mq 0:",
    "ok",
    "eth0",
  ],
  [
    "a bad cable",
    "link",
    "model=Raspberry Pi 4 Model B Rev 1.4\ncontainer=\ndevice=eth0\nthere=yes\nspeed=100\nduplex=full\nroot=mq 0:",
    "warning",
    "eth0 is slower than its port",
  ],
  [
    "a board whose port has no gigabit",
    "link",
    "model=Raspberry Pi 3 Model B Rev 1.2\ncontainer=\ndevice=eth0\nthere=yes\nspeed=100\nduplex=full\nroot=pfifo_fast 0:",
    "ok",
    "eth0",
  ],
  [
    "half duplex",
    "link",
    "model=Raspberry Pi 4 Model B\ncontainer=\ndevice=eth0\nthere=yes\nspeed=100\nduplex=half\nroot=mq 0:",
    "warning",
    /not both at a time/,
  ],
  [
    "a radio without a broker",
    "link",
    "model=\ncontainer=\ndevice=wlan0\nthere=yes\nwifi=yes\nspeed=\nduplex=\nroot=mq 0:",
    "ok",
    "wlan0, by radio",
  ],
  [
    "shaped",
    "link",
    "model=\ncontainer=\nconfigured=yes\ndevice=eth0\nthere=yes\nspeed=1000\nduplex=full\nroot=cake 1c1:",
    "ok",
    "eth0, shaped by cake",
  ],
  [
    "asked to be shaped, and is not",
    "link",
    "model=\ncontainer=\nconfigured=yes\ndevice=eth0\nthere=yes\nspeed=1000\nduplex=full\nroot=mq 0:",
    "warning",
    "the queue of eth0 is mq, and not the one that `qos` sets",
  ],
  ["no network", "link", "model=\ncontainer=\ndevice=", "unknown", "no interface with a network"],
  ["an interface that went", "link", "configured=yes\ndevice=eth1", "unknown", "eth1 is not there"],
  [
    "an emulated board, whose link tells no speed",
    "link",
    "model=linux,dummy-virt\ncontainer=\ndevice=eth0\nthere=yes\nspeed=-1\nduplex=unknown\nroot=fq_codel 0:",
    "ok",
    "eth0",
  ],
];

const named = CASES.map(([title, id, stdout, verdict, summary, exitCode = 0]) => ({
  title,
  id,
  stdout,
  verdict,
  summary,
  exitCode,
}));

test.each(named)("$title ($id)", ({ id, stdout, verdict, summary, exitCode }) => {
  const judgement = judge(id, stdout, exitCode);
  expect(judgement.verdict).toBe(verdict);
  if (typeof summary === "string") expect(judgement.summary).toBe(summary);
  else expect(judgement.summary).toMatch(summary);
  // Whoever reads of something bad must be told what to do.
  if (verdict !== "ok" && verdict !== "not-applicable") expect(judgement.hint).toMatch(/\S/);
});

describe("certificates by their end", () => {
  test.each([
    [396, "ok"],
    [31, "ok"],
    [29, "warning"],
    [6, "critical"],
    [-1, "critical"],
  ])("%d days left: %s", async (days, verdict) => {
    // An authority's certificate lasts 3650 days; only its end matters here.
    const made = new Date(NOW.getTime() + (days + 0.5 - 3_650) * 86_400_000);
    const { certificate } = await makeAuthority("home.arpa", undefined, made);
    expect(judge("certificate", certificate)).toMatchObject({ verdict, value: days });
  });
  test("a key is no certificate", () => {
    const { publicKey } = generateKeyPairSync("ed25519");
    expect(judge("certificate", publicKey.export({ type: "spki", format: "pem" }) as string).verdict).toBe(
      "unknown",
    );
  });
});

test("every check has a case, and its id is unique", () => {
  const tested = new Set([...CASES.map(([, id]) => id), "certificate"]);
  expect(CHECKS.map(({ id }) => id).filter((id) => !tested.has(id))).toEqual([]);
  expect(new Set(CHECKS.map(({ id }) => id)).size).toBe(CHECKS.length);
});

test("a check comes after its causes", () => {
  const ids = CHECKS.map(({ id }) => id);
  for (const { id, after = [] } of CHECKS) {
    for (const cause of after) expect(ids.indexOf(cause)).toBeLessThan(ids.indexOf(id));
    for (const cause of after) expect(ids).toContain(cause);
  }
});

test("a broker over a radio is warned of", () => {
  const { verdict, summary } = check("link").judge(
    { stdout: "device=wlan0\nthere=yes\nwifi=yes\nroot=mq 0:", exitCode: 0 },
    { playbooks: ["base", "rabbitmq"], bad: new Set(), askedAt: NOW, now: NOW },
  );
  expect({ verdict, summary }).toEqual({
    verdict: "warning",
    summary: "wlan0 is a radio, and the board has a broker",
  });
});

test("the temperature's way is told with it", () => {
  const measured = (rows: string) => judge("temperature", `temperature=68000\n${rows}`).measured;
  expect(measured("was 100 60000\nwas 1000 68000\n")).toBe("68 °C, +8 °C in 15 min");
  expect(measured("was 100 70500\nwas 1000 68000\n")).toBe("68 °C, -3 °C in 15 min");
  expect(measured("was 950 60000\nwas 1000 68000\n")).toBe("68 °C");
});
