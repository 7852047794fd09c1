/**
 * Disks as lsblk prints them: recorded on an emulated board (util-linux 2.38), or written after what other releases
 * print.
 */
import { expect, test } from "vitest";
import { describeDisk, holdings, parseDisks, sizeInWords } from "../../../src/board/disks.js";
import { parseFacts } from "../../../src/board/facts.js";
import { quirksFor } from "../../../src/board/usb-adapters.js";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const EMULATED = `NAME="sda" PKNAME="" TYPE="disk" MAJ:MIN="8:0" SIZE="536870912" TRAN="usb" ROTA="1" RM="0" RO="0" VENDOR="QEMU    " MODEL="QEMU HARDDISK" SERIAL="1-0000:00:02.0-1" FSTYPE="" LABEL="" UUID="" MOUNTPOINT=""
NAME="sda1" PKNAME="sda" TYPE="part" MAJ:MIN="8:1" SIZE="534773760" TRAN="" ROTA="1" RM="0" RO="0" VENDOR="" MODEL="" SERIAL="" FSTYPE="ext4" LABEL="imcloud-ssd" UUID="7f648332-ab36-86e1-8581-153602ff7373" MOUNTPOINT="/srv/ssd"
NAME="vda" PKNAME="" TYPE="disk" MAJ:MIN="254:0" SIZE="4294967296" TRAN="" ROTA="1" RM="0" RO="0" VENDOR="0x1af4" MODEL="" SERIAL="" FSTYPE="" LABEL="" UUID="" MOUNTPOINT=""
NAME="vda1" PKNAME="vda" TYPE="part" MAJ:MIN="254:1" SIZE="268435456" TRAN="" ROTA="1" RM="0" RO="0" VENDOR="" MODEL="" SERIAL="" FSTYPE="vfat" LABEL="BOOTFS" UUID="AA9C-E8DD" MOUNTPOINT="/boot/firmware"
NAME="vda2" PKNAME="vda" TYPE="part" MAJ:MIN="254:2" SIZE="4022337536" TRAN="" ROTA="1" RM="0" RO="0" VENDOR="" MODEL="" SERIAL="" FSTYPE="ext4" LABEL="rootfs" UUID="4a2385bf-f7f9-4c7f-beff-829dfd60e63e" MOUNTPOINT="/"
system=254:2
system=254:1`;

test("an emulated board has its card and the disk behind the adapter", () => {
  expect(parseDisks(EMULATED).map(({ name, isSystem, transport }) => [name, isSystem, transport])).toEqual([
    ["vda", true, ""],
    ["sda", false, "usb"],
  ]);
  expect(parseDisks(EMULATED).map(describeDisk)).toEqual([
    "a disk (4.3 GB)",
    "QEMU QEMU HARDDISK (usb, 537 MB, serial 1-0000:00:02.0-1)",
  ]);
  expect(parseDisks(EMULATED).map(holdings)).toEqual([
    ["vfat `BOOTFS` in use", "ext4 `rootfs` in use"],
    ["ext4 `imcloud-ssd` in use"],
  ]);
});

test("what is no disk is none: loops, memory, drives without a medium, boot partitions of eMMC", () => {
  const row = (name: string, size = 1e9) => `NAME="${name}" PKNAME="" TYPE="disk" SIZE="${size}"`;
  const output = ["loop0", "zram0", "ram3", "sr0", "mmcblk0boot0", "mmcblk0rpmb", "nbd1"].map((name) =>
    row(name),
  );
  expect(
    parseDisks([...output, row("sdb", 0), row("mmcblk0"), row("nvme0n1")].join("\n")).map(({ name }) => name),
  ).toEqual(["mmcblk0", "nvme0n1"]);
});

test("an older lsblk, which does not tell a card's transport, and names with spaces", () => {
  const [card] = parseDisks(
    'NAME="mmcblk0" PKNAME="" TYPE="disk" MAJ:MIN="179:0" SIZE="31914983424" TRAN="" MODEL="SD\\x20card" SERIAL="0x1"',
  );
  expect(card).toMatchObject({ transport: "mmc", model: "SD card" });
});

test("an adapter's ids belong to the disk behind it, and say which quirks are known", () => {
  const disks = parseDisks(`${EMULATED}\nadapter=sda 152d:0578`);
  expect(disks.map(({ name, adapter }) => [name, adapter])).toEqual([
    ["vda", ""],
    ["sda", "152d:0578"],
  ]);
  expect(quirksFor(disks.map(({ adapter }) => adapter))).toBe("152d:0578:u");
  expect(quirksFor(["7825:a2a4", "", "0080:a001", "46f4:0001"])).toBe("0080:a001:u,7825:a2a4:u");
});

test("a root on LVM is the system's disk, and what is built on a partition is found below it", () => {
  const [disk] = parseDisks(`NAME="sda" PKNAME="" TYPE="disk" MAJ:MIN="8:0" SIZE="1000000000"
NAME="sda1" PKNAME="sda" TYPE="part" MAJ:MIN="8:1" SIZE="999000000" FSTYPE="LVM2_member"
NAME="vg-root" PKNAME="sda1" TYPE="lvm" MAJ:MIN="253:0" SIZE="999000000" FSTYPE="ext4" MOUNTPOINT="/"
system=253:0`);
  expect(disk).toMatchObject({ isSystem: true, parts: [{ name: "sda1" }, { name: "vg-root" }] });
});

test("sizes are as on the box", () => {
  expect([5e8, 5.12e11, 2e12, 1.5e6].map(sizeInWords)).toEqual(["500 MB", "512 GB", "2.0 TB", "1.5 MB"]);
});

test("facts have no letters, which another boot deals out otherwise", () => {
  const board = readFileSync(join(import.meta.dirname, "facts", "raspios-bookworm.txt"), "utf8");
  const { disks } = parseFacts(`${board}${EMULATED}\n`);
  expect(disks[1]).toEqual({
    serial: "1-0000:00:02.0-1",
    model: "QEMU QEMU HARDDISK",
    transport: "usb",
    adapter: "",
    sizeMb: 512,
    rotational: true,
    removable: false,
    system: false,
    holds: ["ext4 `imcloud-ssd` in use"],
  });
  expect(parseFacts(`${board}${EMULATED.replaceAll("sda", "sdb")}\n`).disks).toEqual(disks);
  expect(parseFacts(board).disks).toEqual([]);
});
