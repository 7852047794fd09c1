/**
 * Which disk is meant, and every way in which it is not to be used: what a board with such disks says, and the one
 * message that the operator reads. Nothing has been done to the board by then: it was only looked at.
 */
import { describe, expect, test } from "vitest";
import { dataMove } from "../../../src/resources/data-move.js";
import { disk } from "../../../src/resources/disk.js";
import { diskTrim } from "../../../src/resources/disk-trim.js";
import { mount } from "../../../src/resources/mount.js";
import {
  register,
  resourceId,
  type ChangeDraft,
  type ResourceType,
} from "../../../src/resources/resource.js";
import { ImcloudError } from "../../../src/shared/errors.js";

const UUID = "7f648332-ab36-86e1-8581-153602ff7373";
const ORIGIN = { file: "ssd.yaml", line: 7 };

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

function judge<Desired, Observed>(
  type: ResourceType<Desired, Observed>,
  wish: object,
  lines: readonly string[],
): readonly ChangeDraft[] {
  const desired = type.schema.parse(wish);
  const id = resourceId(type.type, type.key(desired));
  const judgement = register(type)
    .judge(lines.join("\n"), [{ id, desired, origin: ORIGIN }])
    .get(id);
  if (judgement?.kind !== "judged") throw new Error(`not judged: ${judgement?.because}`);
  return judgement.drafts;
}
const judgeDisk = (wish: object, lines: readonly string[]) =>
  judge(disk, { name: "ssd", uuid: UUID, ...wish }, [...lines, "end="]);

function refusal(work: () => unknown): ImcloudError {
  try {
    work();
  } catch (error) {
    if (error instanceof ImcloudError) return error;
    throw error;
  }
  return expect.fail("it was not refused");
}

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

describe("a mount", () => {
  const WISH = { path: "/srv/ssd", uuid: UUID };
  const LINE = `UUID=${UUID} /srv/ssd ext4 noatime,nofail,x-systemd.device-timeout=30s,x-imcloud 0 2`;
  const THERE = [
    `fstab /srv/ssd ${LINE}`,
    "mounted /srv/ssd / /dev/sda1 rw,noatime",
    `uuid ${UUID} ../../sda1`,
    "end",
  ];

  test("is planned before its disk is formatted, and is nothing to do once it is there", () => {
    expect(judge(mount, WISH, ["end"])).toMatchObject([{ kind: "create", before: "", after: LINE }]);
    expect(judge(mount, WISH, THERE)).toEqual([]);
  });

  test("that somebody took away comes back; other options take the place of the old", () => {
    expect(
      judge(
        mount,
        WISH,
        THERE.filter((line) => !line.startsWith("mounted")),
      ),
    ).toMatchObject([{ kind: "update", before: `${LINE} (not mounted)` }]);
    expect(judge(mount, { ...WISH, options: ["nofail"] }, THERE)).toMatchObject([
      { kind: "update", before: LINE },
    ]);
  });

  test.each([
    [
      "another disk's place",
      ["mounted /srv/ssd / /dev/sdb1 rw", `uuid ${UUID} ../../sda1`],
      "/dev/sdb1 is mounted there",
    ],
    [
      "another line of fstab's",
      ["fstab /srv/ssd LABEL=x /srv/ssd ext4 defaults 0 2"],
      "LABEL=x /srv/ssd ext4 defaults 0 2",
    ],
  ])("is refused %s", (_what, lines, found) => {
    const error = refusal(() => judge(mount, WISH, [...lines, "end"]));
    expect(error).toMatchObject({
      code: "board.disk-refused",
      message: "/srv/ssd is another file system's place",
    });
    expect(error.details.found).toBe(found);
  });

  test("wants a path that fstab can say", () => {
    expect(mount.schema.safeParse({ ...WISH, path: "/srv/my disk" }).success).toBe(false);
  });
});

describe("a move of data", () => {
  const WISH = { path: "/var/lib/im", disk: "/srv/ssd", units: ["im.service"] };
  const LINE =
    "fstab /var/lib/im /srv/ssd/var-lib-im /var/lib/im none bind,nofail,x-systemd.requires-mounts-for=/srv/ssd,x-imcloud 0 0";
  const MOUNTED = "mounted /var/lib/im /var-lib-im /dev/sda1 rw";
  const DONE = "done /var/lib/imcloud/moves/var-lib-im/done 1000.5";
  const RUNNING = ["unit active", "unit active"];
  const OLD = "old /var/lib/im";
  const moved = (nowS: number, ...more: readonly string[]) => [
    LINE,
    MOUNTED,
    DONE,
    ...more,
    `now ${nowS}`,
    ...RUNNING,
  ];

  test("costs downtime, and the plan says whose", () => {
    expect(judge(dataMove, WISH, ["now 1", ...RUNNING])).toMatchObject([
      {
        kind: "create",
        risk: "downtime",
        after: "/srv/ssd/var-lib-im, mounted at /var/lib/im; stops im.service meanwhile",
      },
    ]);
    expect(judge(dataMove, WISH, moved(2_000, OLD))).toEqual([]);
  });

  test("that was cut off goes on; one whose disk was away is mounted again", () => {
    expect(judge(dataMove, WISH, [LINE, MOUNTED, "now 1", ...RUNNING])[0]?.before).toMatch(/not to its end/);
    expect(judge(dataMove, WISH, [LINE, DONE, "now 2000", ...RUNNING])[0]?.before).toMatch(/but not mounted/);
  });

  test("leaves the old copy until it is told, an hour has gone by, and the service runs", () => {
    const told = { ...WISH, keepOld: false };
    expect(judge(dataMove, told, moved(4_599, OLD))).toEqual([]);
    expect(judge(dataMove, told, moved(4_601, OLD))).toMatchObject([{ kind: "delete", risk: "destructive" }]);
    const stopped = [...moved(9_999, OLD).slice(0, -2), "unit inactive", "unit active"];
    expect(judge(dataMove, told, stopped)).toEqual([]);
    expect(judge(dataMove, told, moved(9_999))).toEqual([]);
  });

  test.each([
    [
      "a folder on a disk of its own",
      [MOUNTED.replace("/var-lib-im ", "/ ")],
      "/var/lib/im is on a disk of its own already",
      /\/dev\/sda1/,
    ],
    [
      "data in both places",
      ["both /var/lib/im"],
      "there is data in both places, and nothing says which counts",
      /\/srv\/ssd\/var-lib-im/,
    ],
    ["an older copy", [OLD], "an older copy of /var/lib/im is still there", /imcloud-old/],
  ])("is refused: %s", (_what, lines, message, found) => {
    const error = refusal(() => judge(dataMove, WISH, [...lines, "now 1", ...RUNNING]));
    expect(error).toMatchObject({ code: "board.disk-refused", message, exitCode: 65 });
    expect(error.details.found).toMatch(found);
  });

  test.each(["/srv/ssd/im", "/srv", "/srv/ssd"])("is not asked for to where it is: %s", (path) => {
    expect(dataMove.schema.safeParse({ ...WISH, path }).error?.issues[0]?.message).toBe(
      "a folder that is not on the disk already, nor holds it",
    );
  });
});

describe("TRIM", () => {
  const WISH = { path: "/srv/ssd", uuid: UUID };
  const saw = (finding: string, most: number, name = "sda1", parent = "sda") => [
    ...(finding === "" ? [] : [`found /var/lib/imcloud/trim/${UUID}:${finding}`]),
    `max /sys/block/${parent}/queue/discard_max_bytes:${most}`,
    `uuid ${UUID} ../../${name}`,
    "end",
  ];
  test.each([
    ["nobody asked yet", saw("", 0), 1],
    ["on by itself, and not tried yet", saw("", 4096), 1],
    ["works", saw("works 46f4:0001", 4096), 0],
    ["works, on NVMe", saw("works none", 4096, "nvme0n1p1", "nvme0n1"), 0],
    ["worked before another port", saw("works 46f4:0001", 0), 1],
    ["does not", saw("off: the adapter does not pass it on", 0), 0],
  ])("%s", (_what, lines, changes) => {
    expect(judge(diskTrim, WISH, lines)).toHaveLength(changes);
  });
});
