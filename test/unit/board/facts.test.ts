/**
 * What boards answer, release by release. The first line of each file says whether it was recorded or written.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { parseFacts, releaseOf } from "../../../src/board/facts.js";
import { RELEASES } from "../../../src/shared/releases.js";

const FOLDER = join(import.meta.dirname, "facts");
const read = (name: string): string => readFileSync(join(FOLDER, name), "utf8");
const files = readdirSync(FOLDER);

/** What a file tells besides what the table of releases says of it; a virtual board has no firmware. */
const FILES: Readonly<Record<string, readonly [release: string, swap: string, boot?: string]>> = {
  "debian-12-virtual.txt": ["debian-12", "none", ""],
  "raspios-bookworm.txt": ["debian-12", "disk"],
  "raspios-bullseye.txt": ["debian-11", "disk"],
  "raspios-buster-arm64.txt": ["debian-10", "disk"],
  "raspios-buster.txt": ["debian-10", "disk"],
  "raspios-trixie.txt": ["debian-13", "zram"],
  "ubuntu-18.04.txt": ["ubuntu-18.04", "none"],
  "ubuntu-20.04.txt": ["ubuntu-20.04", "none"],
  "ubuntu-22.04.txt": ["ubuntu-22.04", "none"],
  "ubuntu-24.04.txt": ["ubuntu-24.04", "none"],
};

test("every supported release has its file, and every file says where it is from", () => {
  expect(files.toSorted()).toEqual(Object.keys(FILES));
  expect(new Set(Object.values(FILES).map(([release]) => release))).toEqual(new Set(Object.keys(RELEASES)));
  for (const name of files) expect(read(name)).toMatch(/^# (recorded|written from documentation): /);
});

test.each(Object.entries(FILES))("%s", (name, [release, swap, boot]) => {
  const facts = parseFacts(read(name));
  expect(releaseOf(facts)).toBe(release);
  expect(facts).toMatchObject({
    cgroup: RELEASES[release]?.cgroup,
    bootFolder: boot ?? RELEASES[release]?.bootFolder,
    swap,
    init: "systemd",
    model: "Raspberry Pi 4 Model B Rev 1.4",
  });
  expect(facts.addresses).not.toContain("127.0.0.1");
});

test("a 64-bit kernel below a 32-bit userland is armhf", () => {
  expect(parseFacts(read("raspios-buster.txt")).arch).toBe("armhf");
});

test("only what is installed counts, with its version", () => {
  expect(parseFacts(read("ubuntu-22.04.txt")).packages).toMatchObject({
    "rabbitmq-server": "3.9.27-0ubuntu0.2",
  });
  expect(
    parseFacts(`${read("raspios-bookworm.txt")}package=config-files chrony 4.3\n`).packages,
  ).not.toHaveProperty("chrony");
});

test("the network with the way out comes first, not the bridge of a container engine", () => {
  const more = [
    ...[
      "address=10.0.0.5",
      "address=172.17.0.1",
      "address=192.168.1.23",
      "address=127.0.0.1",
      "address=192.168.1.23",
    ],
    ...["route=eth0 00000000 00000000", "route=eth0 0001A8C0 00FFFFFF", "route=docker0 000011AC 0000FFFF"],
  ].join("\n");
  const text = read("raspios-bookworm.txt").replace(/^address=.*\n/gm, "");
  expect(parseFacts(`${text}${more}\n`).addresses).toEqual(["192.168.1.23", "10.0.0.5", "172.17.0.1"]);
});

test("file systems that keep what is written, without what a container shows of its machine", () => {
  const rows = [
    "df=Filesystem     1024-blocks    Used Available Capacity Mounted on",
    "df=/dev/mmcblk0p2    30440332 4018620  25136604      14% /",
    "df=/dev/sda1        114792960      24 108915660       1% /mnt/my ssd",
    "df=/dev/vda1        264211456 9999999   9999999      30% /run/host/os-release",
  ].join("\n");
  const text = read("raspios-bookworm.txt");
  expect(parseFacts(`${text}${rows}\n`).fileSystems).toEqual({ "/": 29_726, "/mnt/my ssd": 112_102 });
  expect(parseFacts(text).fileSystems).toEqual({});
});

test("a board that does not tell what it is has no facts", () => {
  expect(() => parseFacts("hostname=x\n")).toThrow(z.ZodError);
});
