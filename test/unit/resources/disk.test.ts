/**
 * Which disk is meant, and every way in which it is not to be used: what a board with such disks says, and the one
 * message that the operator reads. Nothing has been done to the board by then: it was only looked at.
 */
import { describe, expect, test } from "vitest";
import { disk } from "../../../src/resources/disk.js";
import { judge, ORIGIN, refusal } from "./judged.js";

const UUID = "7f648332-ab36-86e1-8581-153602ff7373";

/** As lsblk prints a disk or a partition. */
const row = (fields: Readonly<Record<string, string | number>>) =>
  Object.entries({
    PKNAME: "",
    TYPE: "disk",
    "MAJ:MIN": "8:0",
    SIZE: 512e9,
    TRAN: "usb",
    ROTA: 1,
    RM: 0,
    RO: 0,
    VENDOR: "ACME    ",
    MODEL: "Flash",
    FSTYPE: "",
    LABEL: "",
    UUID: "",
    MOUNTPOINT: "",
    ...fields,
  })
    .toSorted(([one]) => (one === "NAME" ? -1 : 0))
    .map(([name, value]) => `${name}="${value}"`)
    .join(" ");
const part = (fields: Readonly<Record<string, string | number>>) =>
  row({ TYPE: "part", VENDOR: "", MODEL: "", TRAN: "", ...fields });

const CARD = [
  row({
    NAME: "mmcblk0",
    "MAJ:MIN": "179:0",
    SIZE: 32e9,
    TRAN: "mmc",
    VENDOR: "",
    MODEL: "",
    SERIAL: "0xabc",
  }),
  part({
    NAME: "mmcblk0p2",
    PKNAME: "mmcblk0",
    "MAJ:MIN": "179:2",
    FSTYPE: "ext4",
    LABEL: "rootfs",
    MOUNTPOINT: "/",
  }),
  "system=179:2",
];
const EMPTY = row({ NAME: "sda", SERIAL: "S1" });
const EMPTY_TOO = row({ NAME: "sdb", SERIAL: "S2", MODEL: "Other" });
const PHOTOS = [
  row({ NAME: "sda", SERIAL: "S1" }),
  part({ NAME: "sda1", PKNAME: "sda", FSTYPE: "exfat", LABEL: "photos" }),
];
const OURS = (name: string, label = "imcloud-ssd") => [
  row({ NAME: name, SERIAL: name }),
  part({ NAME: `${name}1`, PKNAME: name, FSTYPE: "ext4", LABEL: label, UUID }),
];

const judgeDisk = (wish: object, lines: readonly string[]) =>
  judge(disk, { name: "ssd", uuid: UUID, ...wish }, [...lines, "end="]);

describe("a disk", () => {
  test("that is the only empty one beside the card is taken, and the plan says which and what it costs", () => {
    const [draft] = judgeDisk({}, [...CARD, EMPTY]);
    expect(draft).toMatchObject({
      risk: "destructive",
      before: "ACME Flash (usb, 512 GB, serial S1): empty",
      after: `ext4 \`imcloud-ssd\`, UUID ${UUID}`,
    });
    expect(draft?.undo).toBeUndefined();
  });

  test("that is empty is taken although another holds something", () => {
    const other = [row({ NAME: "sdb", SERIAL: "S2" }), part({ NAME: "sdb1", PKNAME: "sdb", FSTYPE: "ntfs" })];
    expect(judgeDisk({}, [...CARD, EMPTY, ...other])[0]?.before).toContain("serial S1");
  });

  test("that holds data is erased when it is named, and the plan says what goes", () => {
    expect(judgeDisk({ serial: "S1" }, [...CARD, ...PHOTOS])[0]?.before).toBe(
      "ACME Flash (usb, 512 GB, serial S1): exfat `photos`, all of which is erased",
    );
  });

  test("that has been formatted is left alone, whatever its letter", () => {
    for (const name of ["sda", "sdq"]) expect(judgeDisk({}, [...CARD, ...OURS(name)])).toEqual([]);
  });

  test("whose formatting was cut off is formatted again, and no other", () => {
    const half = [...CARD, ...OURS("sda", "imcloud-new"), EMPTY_TOO, `begun=${UUID} sda`];
    expect(judgeDisk({}, half)[0]?.before).toContain("serial sda");
  });

  test("with a serial number that YAML takes for a number is meant all the same", () => {
    expect(judgeDisk({ serial: 123456 }, [...CARD, row({ NAME: "sda", SERIAL: "123456" })])).toHaveLength(1);
  });

  type Bad = readonly [
    what: string,
    wish: object,
    lines: readonly string[],
    message: string,
    found: string | RegExp,
    hint: RegExp,
  ];
  const BAD: readonly Bad[] = [
    [
      "no disk",
      {},
      CARD,
      "there is no disk beside the one that the system is on",
      /32 GB/,
      /plug the disk in/,
    ],
    [
      "nothing at all",
      {},
      [],
      "there is no disk beside the one that the system is on",
      "no disk at all",
      /plug the disk in/,
    ],
    [
      "two that could be meant",
      {},
      [...CARD, EMPTY, EMPTY_TOO],
      "2 empty disks could be meant",
      "ACME Flash (usb, 512 GB, serial S1)\nACME Other (usb, 512 GB, serial S2)",
      /name one: .*serial/,
    ],
    [
      "a disk with data",
      {},
      [...CARD, ...PHOTOS],
      "the disk is not empty",
      "ACME Flash (usb, 512 GB, serial S1): exfat `photos`",
      /erased with all that is on it/,
    ],
    [
      "a file system without a partition",
      {},
      [...CARD, row({ NAME: "sda", SERIAL: "S1", FSTYPE: "ext4", LABEL: "old" })],
      "the disk is not empty",
      /ext4 `old`/,
      /serial/,
    ],
    [
      "a partition without a file system",
      {},
      [...CARD, EMPTY, part({ NAME: "sda1", PKNAME: "sda" })],
      "the disk is not empty",
      /a partition without a file system/,
      /serial/,
    ],
    [
      "bytes that nobody knows",
      {},
      [...CARD, EMPTY, "written=sda"],
      "the disk is not empty",
      /data of a kind that nobody knows/,
      /serial/,
    ],
    [
      "a serial number that no disk has",
      { serial: "S9" },
      [...CARD, EMPTY],
      "no disk has the serial number S9",
      /serial S1/,
      /imcloud facts/,
    ],
    [
      "an adapter that gives all disks one number",
      { serial: "S1" },
      [...CARD, EMPTY, row({ NAME: "sdb", SERIAL: "S1" })],
      "2 disks tell the serial number S1",
      /S1.*\n.*S1/,
      /plug in only the one/,
    ],
    [
      "the system's disk",
      { serial: "0xabc" },
      [...CARD, EMPTY],
      "the system is on that disk",
      /32 GB/,
      /another serial/,
    ],
    [
      "a disk that is mounted",
      { serial: "S1" },
      [...CARD, EMPTY, part({ NAME: "sda1", PKNAME: "sda", FSTYPE: "ext4", MOUNTPOINT: "/mnt" })],
      "that disk is in use",
      /ext4 in use/,
      /unmount/,
    ],
    [
      "a disk with swap in use",
      { serial: "S1" },
      [...CARD, EMPTY, part({ NAME: "sda1", PKNAME: "sda", FSTYPE: "swap", MOUNTPOINT: "[SWAP]" })],
      "that disk is in use",
      /swap in use/,
      /stop what/,
    ],
    [
      "a disk with logical volumes",
      { serial: "S1" },
      [
        ...CARD,
        EMPTY,
        part({ NAME: "sda1", PKNAME: "sda", FSTYPE: "LVM2_member" }),
        part({ NAME: "vg-home", PKNAME: "sda1", TYPE: "lvm", FSTYPE: "ext4" }),
      ],
      "that disk is in use",
      /lvm vg-home/,
      /built upon/,
    ],
    [
      "a read-only disk",
      {},
      [...CARD, row({ NAME: "sda", SERIAL: "S1", RO: 1 })],
      "that disk is read-only",
      /S1/,
      /lock switch/,
    ],
    [
      "a disk too small for what is to move",
      { roomFor: ["/a", "/b"] },
      [...CARD, row({ NAME: "sda", SIZE: 64e6, SERIAL: "S1" }), "size=40000\t/a", "size=20000\t/b"],
      "that disk is too small for what is to move to it",
      "ACME Flash (usb, 64 MB, serial S1), for 61 MB of data",
      /larger disk/,
    ],
    [
      "a disk that went away",
      {},
      [...CARD, EMPTY_TOO, `known=${UUID}`],
      "the disk that this board's data is on is not there",
      /S2/,
      /plug it in; to begin with another/,
    ],
    [
      "a disk that went away half formatted",
      {},
      [...CARD, EMPTY, `begun=${UUID} S7`],
      "no disk has the serial number S7",
      /S1/,
      /formatting was begun/,
    ],
    [
      "a disk and its copy",
      {},
      [...CARD, ...OURS("sda"), ...OURS("sdb")],
      "two disks carry the file system that the playbook asks for",
      /sda.*\n.*sdb/,
      /unplug one/,
    ],
  ];
  test.each(BAD)("is refused: %s", (_what, wish, lines, message, found, hint) => {
    const error = refusal(() => judgeDisk(wish, lines));
    expect(error).toMatchObject({ code: "board.disk-refused", message, exitCode: 65 });
    expect(error.details.origin).toEqual(ORIGIN);
    expect(error.details.found).toMatch(found);
    expect(error.details.hint).toMatch(hint);
  });

  test.each([
    [{ format: { filesystem: "btrfs" } }, ["format", "filesystem"]],
    [{ format: { reservedPercent: 50 } }, ["format", "reservedPercent"]],
    [{ format: { compress: true } }, ["format"]],
    [{ uuid: "SSD" }, ["uuid"]],
    [{ name: "My disk" }, ["name"]],
  ])("is not asked for like this: %j", (wish, path) => {
    const parsed = disk.schema.safeParse({ name: "ssd", uuid: UUID, ...wish });
    expect(parsed.error?.issues.map((issue) => issue.path)).toEqual([path]);
  });
});
