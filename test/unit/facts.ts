/** Facts of a plain board, for tests that need some. */
import type { Facts } from "../../src/board/facts.js";

export const FACTS: Facts = {
  hostname: "raspberrypi",
  os: { id: "debian", versionId: "12", codename: "bookworm", prettyName: "Debian GNU/Linux 12 (bookworm)" },
  arch: "arm64",
  kernel: "6.6.31+rpt-rpi-v8",
  model: "Raspberry Pi 4 Model B Rev 1.4",
  ramMb: 3796,
  cpus: 4,
  systemd: 252,
  cgroup: 2,
  init: "systemd",
  bootFolder: "/boot/firmware",
  addresses: ["192.168.1.23"],
  device: "eth0",
  wifi: [],
  ufw: false,
  timeSync: "systemd-timesyncd",
  packages: {},
  swap: "disk",
  zram: "free",
  memoryControl: true,
  watchdog: true,
  container: "",
  disks: [],
  fileSystems: { "/": 29_000 },
};
