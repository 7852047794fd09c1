/**
 * Which drives are offered, which are refused and why. The listings are written from lsblk's documentation and from
 * what this project's machines print; none was recorded with a card reader.
 */
import { describe, expect, test } from "vitest";
import { isOffered } from "../../../src/cli/drives.js";
import { chooseTarget, LARGE_BYTES } from "../../../src/flash/choose-target.js";
import { parseDrives, type Drive } from "../../../src/flash/drives.js";
import { knowsDrive, planHash } from "../../../src/flash/plan.js";

const GB = 1e9;
const READER = "pci-0000:00:14.0-usb-0:2:1.0-scsi-0:0:0:0";
const part = (name: string, more: object = {}) => ({
  ...disk(name, { type: "part", rm: false, hotplug: false, tran: null }),
  ...more,
});

function disk(name: string, more: object = {}): object {
  return {
    ...{ name, path: `/dev/${name}`, size: 32 * GB, rm: true, ro: false, hotplug: true, tran: "usb" },
    ...{
      model: "MassStorage",
      serial: "058F",
      mountpoint: null,
      fstype: null,
      label: null,
      type: "disk",
      "maj:min": "8:16",
    },
    ...more,
  };
}

function drive(...rows: readonly object[]): Drive {
  const [first] = parse(rows);
  if (first === undefined) throw new Error("no drive");
  return first;
}
const parse = (rows: readonly object[]) =>
  parseDrives(JSON.stringify({ blockdevices: rows }), {
    ids: new Map([["sdb", ["wwn-0x5", "usb-Generic_MassStorage_058F-0:0"]]]),
    slots: new Map([["sdb", ["pci-0000:00:14.0-usbv2-0:2:1.0-scsi-0:0:0:0", READER]]]),
    sequences: new Map([["sdb", "17"]]),
  });

test("a card in a reader: its lasting name, what it is, what is on it", () => {
  const children = [
    part("sdb1", { fstype: "vfat", label: "bootfs", mountpoint: "/media/me/bootfs" }),
    part("sdb2", { fstype: "ext4" }),
    part("sdb3"),
  ];
  expect(drive(disk("sdb", { children }))).toEqual({
    ...{ id: "usb-Generic_MassStorage_058F-0:0", isStable: true, path: "/dev/sdb", sizeBytes: 32 * GB },
    ...{ slot: READER },
    ...{ model: "MassStorage", serial: "058F", transport: "usb", isRemovable: true, isReadOnly: false },
    contents: ["vfat `bootfs`", "ext4", "a partition without a file system"],
    mounts: ["/media/me/bootfs"],
    ...{ number: "8:16", sequence: "17" },
  });
});

test("numbers and flags as text, as lsblk of 2018 prints them", () => {
  expect(drive(disk("sdb", { size: "32000000000", rm: "1", ro: "0", hotplug: "1" }))).toMatchObject({
    sizeBytes: 32 * GB,
    isRemovable: true,
    isReadOnly: false,
  });
});

describe("refused", () => {
  const cases: readonly (readonly [title: string, row: object, why: string])[] = [
    [
      "the root",
      disk("sdb", { children: [part("sdb1", { mountpoint: "/" })] }),
      "it holds the running system: /",
    ],
    [
      "the firmware's files",
      disk("sdb", { children: [part("sdb1", { mountpoint: "/boot/firmware" })] }),
      "it holds the running system: /boot/firmware",
    ],
    [
      "an EFI partition",
      disk("sdb", { children: [part("sdb1", { mountpoint: "/boot/efi" })] }),
      "it holds the running system: /boot/efi",
    ],
    [
      "people's data",
      disk("sdb", { children: [part("sdb1", { mountpoint: "/home" })] }),
      "it holds the running system: /home",
    ],
    [
      "swap in use",
      disk("sdb", { children: [part("sdb1", { mountpoint: "[SWAP]", fstype: "swap" })] }),
      "the system swaps to it",
    ],
    ["a RAID", disk("sdb", { fstype: "linux_raid_member" }), "it is a part of a RAID"],
    [
      "an assembled RAID",
      disk("sdb", { children: [part("md0", { type: "raid1" })] }),
      "it is a part of a larger volume",
    ],
    ["LVM", disk("sdb", { children: [part("sdb1", { fstype: "LVM2_member" })] }), "it is a part of LVM"],
    [
      "ZFS",
      disk("sdb", { children: [part("sdb1", { fstype: "zfs_member" })] }),
      "it is a part of a ZFS pool",
    ],
    [
      "a root behind encryption",
      disk("sdb", {
        children: [
          part("sdb1", {
            fstype: "crypto_LUKS",
            children: [part("dm-0", { type: "crypt", mountpoint: "/" })],
          }),
        ],
      }),
      "it holds the running system: /",
    ],
    ["a write-protected card", disk("sdb", { ro: true }), "it is write-protected"],
  ];
  test.each(cases)("%s", async (_, row, why) => {
    const found = drive(row);
    expect(found.refused).toBe(why);
    expect(isOffered(found)).toBe(false);
    await expect(chooseTarget(found.id, [found], { unmount: true })).rejects.toMatchObject({
      code: "flash.target-refused",
      message: `\`${found.id}\` is not written to: ${why}`,
    });
  });
});

test("what is no drive is not even refused", () => {
  const rows = ["zram0", "sr0", "nbd3", "mmcblk0boot0", "ram1"].map((name) => disk(name));
  expect(parse([...rows, disk("sdc", { size: 0 }), part("sdb1")])).toEqual([]);
});

test("a fixed disk is not offered, but may be named", async () => {
  const fixed = drive(disk("sda", { rm: false, hotplug: false, tran: "sata" }));
  expect(isOffered(fixed)).toBe(false);
  await expect(chooseTarget("/dev/sda", [fixed], { unmount: false })).resolves.toMatchObject({
    kind: "drive",
  });
});

describe("chosen", () => {
  const card = drive(disk("sdb"));
  const mounted = drive(disk("sdb", { children: [part("sdb1", { mountpoint: "/media/card" })] }));
  const choose = (word: string, drives: readonly Drive[] = [card], more: object = {}) =>
    chooseTarget(word, drives, { unmount: false, ...more });

  test("by id or path, with what it is known by", async () => {
    const chosen = await choose(card.id);
    expect(chosen).toMatchObject({
      kind: "drive",
      path: "/dev/sdb",
      identity: { number: "8:16", serial: "058F", sequence: "17" },
    });
    expect(await choose("/dev/sdb")).toEqual(chosen);
  });

  const refused: readonly (readonly [
    title: string,
    word: string,
    drives: readonly Drive[],
    more: object,
    message: string,
    hint: string,
  ])[] = [
    [
      "an id that is none",
      "usb-Generic_MassStorage_058F-0:1",
      [card],
      {},
      "there is no drive `usb-Generic_MassStorage_058F-0:1`",
      "did you mean `usb-Generic_MassStorage_058F-0:0`?",
    ],
    [
      "a partition",
      "/dev/sdb1",
      [card],
      {},
      "/dev/sdb1 is no whole drive and no file",
      "name `usb-Generic_MassStorage_058F-0:0`",
    ],
    [
      "a device that is no drive",
      "/dev/null",
      [card],
      {},
      "/dev/null is no whole drive and no file",
      "run `imcloud drives` to see what there is",
    ],
    [
      "a folder",
      "/tmp/",
      [],
      {},
      "/tmp/ is no whole drive and no file",
      "run `imcloud drives` to see what there is",
    ],
    [
      "a card that is too small",
      card.id,
      [card],
      { needBytes: 33 * GB },
      `\`${card.id}\` is too small for the image`,
      "take a larger one",
    ],
    [
      "a mounted card",
      card.id,
      [mounted],
      {},
      `\`${card.id}\` is mounted`,
      "look whether you need what is there; then unmount it, or give `--unmount`",
    ],
  ];
  test.each(refused)("not: %s", async (_, word, drives, more, message, hint) => {
    await expect(choose(word, drives, more)).rejects.toMatchObject({
      code: "flash.target-refused",
      message,
      details: { hint },
    });
  });

  test("a mounted card that will be unmounted", async () => {
    expect(await choose(card.id, [mounted], { unmount: true })).toMatchObject({ mounts: ["/media/card"] });
  });

  test("another card makes another plan", async () => {
    const plan = async (one: Drive) =>
      planHash({ image: { name: "a" }, targets: [await choose(one.id, [one])], further: [] });
    expect(await plan(card)).toBe(await plan(card));
    expect(await plan({ ...card, sequence: "18" })).not.toBe(await plan(card));
  });

  test("a large drive is known by its serial number or size", async () => {
    const large = drive(disk("sdb", { size: LARGE_BYTES * 2 }));
    const target = await choose(large.id, [large]);
    expect(["058F", "512", "512 GB", "511.7GB"].map((typed) => knowsDrive(target, typed))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(["", "yes", "500", "058f", "0.512"].map((typed) => knowsDrive(target, typed))).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
  });
});
