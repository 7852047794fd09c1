import { expect, test } from "vitest";
import { defaultSuite, mirrorHosts, parseAptOptions, parseTargets } from "../../../src/lab/mirror.js";

const targets = `Debian http://mirror.example/debian-security/ bookworm-security main
Debian http://mirror.example/debian/ bookworm main
Debian http://mirror.example/debian/ bookworm contrib
Debian http://mirror.example/debian/ bookworm main
Debian http://mirror.example/debian/ bookworm-updates main
Debian http://mirror.example/debian/ bookworm-backports main
Vendor https://vendor.example/apt/ bookworm main
`;
const signed = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]";

test("boards take Debian's own archive from the machine's mirror, and nobody else's", () => {
  expect(parseTargets(targets, "debian-bookworm")).toEqual([
    `${signed} http://mirror.example/debian-security/ bookworm-security main`,
    `${signed} http://mirror.example/debian/ bookworm main`,
    `${signed} http://mirror.example/debian/ bookworm-updates main`,
  ]);
});

test("another release comes from the same mirror", () => {
  expect(parseTargets(targets, "debian-trixie")).toContain(
    `${signed} http://mirror.example/debian/ trixie main`,
  );
});

test("an Ubuntu machine makes boards of its own release, from main and universe", () => {
  expect(defaultSuite('NAME="Ubuntu"\nVERSION_CODENAME=noble\nID=ubuntu\n')).toBe("ubuntu-noble");
  expect(defaultSuite("ID=debian\nVERSION_CODENAME=trixie\n")).toBe("debian-bookworm");
  expect(defaultSuite("ID=ubuntu\nVERSION_CODENAME=warty\n")).toBe("debian-bookworm");
  const noble = ["main", "universe", "multiverse"].map(
    (part) => `Ubuntu http://mirror.example/ubuntu noble ${part}`,
  );
  const keyring = "deb [signed-by=/usr/share/keyrings/ubuntu-archive-keyring.gpg]";
  expect(parseTargets(noble.join("\n"), "ubuntu-noble")).toEqual([
    `${keyring} http://mirror.example/ubuntu noble main`,
    `${keyring} http://mirror.example/ubuntu noble universe`,
  ]);
});

test("a machine without Debian's archive has no sources", () => {
  expect(parseTargets("Ubuntu http://mirror.example/ubuntu/ jammy main\n", "debian-bookworm")).toEqual([]);
  expect(parseTargets("", "debian-bookworm")).toEqual([]);
});

test("what the machine's apt tolerates of a snapshot mirror, boards tolerate", () => {
  const dump = `APT::Architecture "amd64";
Acquire::Check-Valid-Until "false";
Acquire::Check-Date "false";
Acquire::http::Proxy "http://proxy.example";
`;
  expect(parseAptOptions(dump)).toEqual([
    'Acquire::Check-Valid-Until "false";',
    'Acquire::Check-Date "false";',
  ]);
});

test("each mirror's host once, with its port", () => {
  expect(
    mirrorHosts(["deb http://one.example:8080/debian x main", "deb http://two.example/debian x main"]),
  ).toEqual(["one.example:8080", "two.example"]);
});
