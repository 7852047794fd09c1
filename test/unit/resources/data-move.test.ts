/**
 * Mounts, moves of data and TRIM: what a board says, what is to be done about it, and what is refused.
 */
import { describe, expect, test } from "vitest";
import { dataMove } from "../../../src/resources/data-move.js";
import { diskTrim } from "../../../src/resources/disk-trim.js";
import { mount } from "../../../src/resources/mount.js";
import { judge, refusal } from "./judged.js";

const UUID = "7f648332-ab36-86e1-8581-153602ff7373";

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

  test("from a disk that went away and came back with another letter is made anew", () => {
    const stale = [...THERE.slice(0, 2), "gone /srv/ssd /dev/sda1", `uuid ${UUID} ../../sdb1`, "end"];
    expect(judge(mount, WISH, stale)).toMatchObject([{ kind: "update", before: `${LINE} (not mounted)` }]);
    // The new mount lies over the old one.
    const over = [...THERE.slice(0, 2), "mounted /srv/ssd / /dev/sdb1 rw,noatime", ...stale.slice(2)];
    expect(judge(mount, WISH, over)).toEqual([]);
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
  const DISK = "mounted /srv/ssd / /dev/sda1 rw";
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

  test("begins anew where the disk went away in the middle, whatever its mount still shows", () => {
    const stale = [DISK, "gone /srv/ssd /dev/sda1", "both /var/lib/im", "now 1", ...RUNNING];
    expect(judge(dataMove, WISH, stale)).toMatchObject([{ kind: "create" }]);
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
      [DISK, "both /var/lib/im"],
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
