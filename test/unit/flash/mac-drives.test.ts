/** Which drives of a Mac are offered, which are refused and why; and what else is another way there. */
import { describe, expect, test } from "vitest";
import { isOffered } from "../../../src/cli/drives.js";
import { chooseTarget } from "../../../src/flash/choose-target.js";
import type { Drive } from "../../../src/flash/drives.js";
import { loadDrives } from "../../../src/flash/load-drives.js";
import { parseMacDrives } from "../../../src/flash/mac-drives.js";
import { assertSameOf } from "../../../src/flash/same-drive.js";
import { unmounting } from "../../../src/flash/unmount.js";
import { MADE, info, macAnswers } from "./mac-answers.js";

const { container, external, removable, scheme, synthesized, volume } = MADE;
type Answers = Parameters<typeof macAnswers>;
type Plists = NonNullable<Answers[0]>;

const drive = (id: string, ...answers: Answers): Drive => {
  const found = parseMacDrives(macAnswers(...answers)).find((one) => one.id === id);
  if (found === undefined) throw new Error(`no ${id}`);
  return found;
};

test("a card in a USB reader: where it is, what it is, what is on it", () => {
  expect(drive("disk4")).toEqual({
    ...{ id: "disk4", isStable: false, path: "/dev/rdisk4", slot: "usb-1140000", sizeBytes: 31_914_983_424 },
    ...{ model: "MassStorageClass", serial: "058F63666485", transport: "usb" },
    ...{ isRemovable: true, isReadOnly: false },
    contents: ["Windows_FAT_32 `bootfs`", "Linux"],
    mounts: ["/Volumes/bootfs"],
    ...{ number: "disk4", sequence: "4295056527" },
  });
});

test("what people put in and out is offered, the rest is not", () => {
  const more: readonly (readonly [Plists[number], Plists[number]])[] = [
    [
      scheme("disk5", []),
      info("disk5", { RemovableMedia: true, Ejectable: true, BusProtocol: "Secure Digital" }),
    ],
    [scheme("disk6", []), removable("disk6", { BusProtocol: "Disk Image", VirtualOrPhysical: "Virtual" })],
    [scheme("disk7", [volume("disk7s1", { Content: "Apple_APFS" })]), external("disk7")],
    [
      container(
        "disk8",
        ["disk7s1"],
        [volume("disk8s1", { VolumeName: "Backup", MountPoint: "/Volumes/Backup" })],
      ),
      synthesized("disk8"),
    ],
    [scheme("disk9", []), info("disk9", { BusProtocol: "PCI-Express" })],
  ];
  const drives = parseMacDrives(
    macAnswers(
      more.map(([entry]) => entry),
      more.map(([, about]) => about),
    ),
  );
  expect(drives.filter(isOffered).map(({ id }) => id)).toEqual(["disk4", "disk5", "disk7"]);
  // A disk image and a fixed disk may be named.
  expect(drives.filter(({ refused }) => refused === undefined).map(({ id }) => id)).toEqual([
    ...["disk4", "disk5", "disk7", "disk6", "disk9"],
  ]);
  // What is mounted of a container counts for the disk below.
  expect(drives.find(({ id }) => id === "disk7")).toMatchObject({
    contents: ["Apple_APFS", "a volume `Backup`"],
    mounts: ["/Volumes/Backup"],
  });
  expect(drives.find(({ id }) => id === "disk5")).toMatchObject({ transport: "mmc" });
});

describe("refused", () => {
  const fusion = [
    scheme("disk5", [volume("disk5s2", { Content: "Apple_APFS" })]),
    scheme("disk6", [volume("disk6s2", { Content: "Apple_APFS" })]),
    container("disk7", ["disk5s2", "disk6s2"], [volume("disk7s1", { MountPoint: "/Volumes/Both" })]),
  ];
  const member = (content: string) => [scheme("disk5", [volume("disk5s2", { Content: content })])];
  const cases: readonly (readonly [title: string, id: string, answers: Answers, why: string])[] = [
    [
      "the disk below the system's container",
      "disk0",
      [],
      "it holds the running system: /System/Volumes/iSCPreboot",
    ],
    ["the system's container", "disk3", [], "it holds the running system: /"],
    [
      "a container elsewhere: its disk is what to name",
      "disk6",
      [
        [scheme("disk5", [volume("disk5s1")]), container("disk6", ["disk5s1"], [])],
        [external("disk5"), synthesized("disk6")],
      ],
      "it is an APFS container on `disk5`",
    ],
    [
      "a system of before APFS",
      "disk5",
      [
        [scheme("disk5", [volume("disk5s2", { Content: "Apple_HFS", MountPoint: "/" })])],
        [external("disk5")],
      ],
      "it holds the running system: /",
    ],
    [
      "a disk of two that make one",
      "disk6",
      [fusion, [external("disk5"), external("disk6"), synthesized("disk7")]],
      "it is a part of a larger volume",
    ],
    ["a RAID", "disk5", [member("Apple_RAID"), [external("disk5")]], "it is a part of a RAID"],
    [
      "CoreStorage",
      "disk5",
      [member("Apple_CoreStorage"), [external("disk5")]],
      "it is a part of a larger volume",
    ],
    [
      "what such parts make",
      "disk5",
      [[scheme("disk5", [])], [synthesized("disk5")]],
      "it is made of parts of other disks",
    ],
    [
      "a write-protected card",
      "disk5",
      [[scheme("disk5", [])], [removable("disk5", { WritableMedia: false })]],
      "it is write-protected",
    ],
  ];
  test.each(cases)("%s", async (_, id, answers, why) => {
    const found = drive(id, ...answers);
    expect(found.refused).toBe(why);
    expect(isOffered(found)).toBe(false);
    await expect(chooseTarget(id, [found], { unmount: true })).rejects.toMatchObject({
      code: "flash.target-refused",
      message: `\`${id}\` is not written to: ${why}`,
    });
  });
});

test("the system's disk is known by `/` alone, whatever the list says of what is mounted", () => {
  const list = macAnswers()
    .list.replaceAll("/System/Volumes", "/Volumes")
    .replaceAll("<string>/</string>", "<string/>");
  expect(drive("disk0", [], [], { list }).refused).toBe("it holds the running system: /");
});

test("a disk that was pulled out while it was asked about is left out", () => {
  expect(parseMacDrives(macAnswers([scheme("disk5", [])])).map(({ id }) => id)).not.toContain("disk5");
});

test.each([
  ["no property list", { list: "Could not find disk" }, "diskutil list: no property list"],
  ["a list of something else", { list: macAnswers().root }, "diskutil list: "],
  ["no system", { infos: new Map() }, "diskutil: none of its disks is the one that the system runs from"],
  [
    "a registry that is cut off",
    { media: macAnswers().media.slice(0, 300) },
    "ioreg IOMedia: no property list",
  ],
])("%s is an error, and not a Mac without drives", (_, more, found) => {
  expect(() => parseMacDrives(macAnswers([], [], more))).toThrow(
    expect.objectContaining({
      code: "flash.target-refused",
      message: "this machine does not tell its drives",
      details: expect.objectContaining({ found: expect.stringContaining(found) as string }) as object,
    }),
  );
});

test("a Mac with nothing at USB, and a registry that says nothing", () => {
  const slot = "IODeviceTree:/arm-io/usb-drd1/usb-drd1-port-hs Generic MassStorageClass Media";
  expect(drive("disk4", [], [], { usb: "", media: "" })).toMatchObject({ serial: "", slot });
});

describe("on a Mac", () => {
  const { list, root, infos, media, usb } = macAnswers();
  const answers: Readonly<Record<string, string>> = {
    "diskutil list -plist": list,
    "diskutil info -plist /": root,
    "ioreg -a -l -r -c IOMedia": media,
    "ioreg -a -l -r -c IOUSBHostDevice": usb,
    ...Object.fromEntries([...infos].map(([disk, answer]) => [`diskutil info -plist ${disk}`, answer])),
  };
  const ask = (program: string, parameters: readonly string[]) => {
    const answer = answers[[program, ...parameters].join(" ")];
    return answer === undefined
      ? Promise.reject(new Error(`not asked for: ${parameters.join(" ")}`))
      : Promise.resolve(answer);
  };

  test("drives come from its own tools", async () => {
    const drives = await loadDrives("darwin", ask);
    expect(drives.filter(isOffered).map(({ id }) => id)).toEqual(["disk4"]);
  });

  test("a drive is named by its number or either of its nodes; the raw one is written to", async () => {
    const drives = await loadDrives("darwin", ask);
    for (const word of ["disk4", "/dev/disk4", "/dev/rdisk4"])
      expect(await chooseTarget(word, drives, { unmount: true })).toMatchObject({
        path: "/dev/rdisk4",
        identity: { number: "disk4", serial: "058F63666485", sequence: "4295056527" },
      });
    await expect(chooseTarget("/dev/disk4s1", drives, { unmount: true })).rejects.toMatchObject({
      details: { hint: "name `disk4`" },
    });
  });

  test("it is unmounted as a whole, by its block device", () => {
    const request = { path: "/dev/rdisk4", mounts: ["/Volumes/bootfs"] };
    expect(unmounting(request, "darwin")).toEqual([["diskutil", "unmountDisk", "/dev/disk4"]]);
    expect(unmounting({ path: "/dev/rdisk4" }, "darwin")).toEqual([]);
    expect(unmounting({ ...request, path: "/dev/sdb" }, "linux")).toEqual([["umount", "/Volumes/bootfs"]]);
  });

  test("the card that was asked about is the one that is written to", () => {
    const before = drive("disk4");
    const { id: name, path, sizeBytes, number, serial, sequence = "" } = before;
    const request = { name, path, kind: "drive" as const, sizeBytes, identity: { number, serial, sequence } };
    assertSameOf(request, [before]);
    const changed: readonly (readonly [drives: readonly Drive[], message: string])[] = [
      [[], "`disk4` is not the drive that was asked about"],
      [[{ ...before, sequence: "4295056530" }], "`disk4` is not the drive that was asked about"],
      [[{ ...before, serial: "other" }], "`disk4` is not the drive that was asked about"],
      [[{ ...before, sizeBytes: 1 }], "`disk4` is not the drive that was asked about"],
      [[{ ...before, refused: "it is write-protected" }], "`disk4` is not written to: it is write-protected"],
    ];
    for (const [drives, message] of changed)
      expect(() => assertSameOf(request, drives)).toThrow(expect.objectContaining({ message }));
  });
});

test("on Windows only files are written, and that is said", async () => {
  await expect(loadDrives("win32", () => Promise.reject(new Error("asked")))).rejects.toMatchObject({
    code: "flash.target-refused",
    message: "on Windows imcloud writes to image files alone",
  });
});
