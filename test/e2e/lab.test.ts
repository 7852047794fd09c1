import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { labLayout, boardPlace } from "../../src/lab/layout.js";
import { compareManifests } from "../../src/lab/manifest.js";
import { virtualBoard, virtualBoards, type VirtualBoard } from "../../src/lab/virtual-board.js";

const run = promisify(execFile);
const lab = labLayout();

/** What an operator would type; the host key is checked against the one that the lab announces. */
async function ssh(board: VirtualBoard, command: string, user = "pi"): Promise<string> {
  const { stdout } = await run("ssh", [
    ...["-F", "none", "-i", board.sshKeyPath, "-o", "BatchMode=yes", "-o", "ConnectTimeout=5"],
    ...["-o", `UserKnownHostsFile=${board.knownHostsPath}`, "-o", "StrictHostKeyChecking=yes"],
    `${user}@${board.address}`,
    command,
  ]);
  return stdout.trim();
}

test("two boards are two machines: own name, own keys, own kernel parameters", async () => {
  await using boards = await virtualBoards(["kitchen", "attic"], { memoryMb: 2048 });
  const [kitchen, attic] = boards;
  if (kitchen === undefined || attic === undefined) throw new Error("two boards were asked for");

  expect(await ssh(kitchen, "hostname")).toBe("kitchen");
  expect(await ssh(attic, "hostname")).toBe("attic");
  expect(kitchen.hostKey).not.toBe(attic.hostKey);
  expect(kitchen.fingerprint).toMatch(/^SHA256:/);
  expect(await ssh(kitchen, "cat /etc/machine-id")).not.toBe(await ssh(attic, "cat /etc/machine-id"));

  // They reach each other, and nothing else.
  await kitchen.sh(`timeout 5 bash -c '</dev/tcp/${attic.address}/22'`);

  // What a board writes stays there: neither the neighbour nor this machine sees it.
  const before = await readFile("/proc/sys/vm/swappiness", "utf8");
  await ssh(kitchen, "sudo sysctl -q -w vm.swappiness=1 net.core.somaxconn=4321 net.core.rmem_max=7654321");
  expect(await kitchen.sh("sysctl -n vm.swappiness net.core.somaxconn net.core.rmem_max")).toBe(
    "1\n4321\n7654321",
  );
  expect(await attic.sh("sysctl -n vm.swappiness net.core.somaxconn")).not.toContain("4321");
  expect(await readFile("/proc/sys/vm/swappiness", "utf8")).toBe(before);

  // What it says of its hardware.
  expect(await ssh(kitchen, "tr -d '\\0' </sys/firmware/devicetree/base/model")).toMatch(
    /^Raspberry Pi 4 Model B/,
  );
  expect(Number(await ssh(kitchen, "awk '/^MemTotal/ {print $2}' /proc/meminfo"))).toBeGreaterThan(1_900_000);
});

test("each account has its own way in", async () => {
  await using board = await virtualBoard("accounts");
  expect(await ssh(board, "sudo -n id -u", "pi")).toBe("0");
  await expect(ssh(board, "sudo -n id -u", "worker")).rejects.toThrow(/password is required/);
  expect(await ssh(board, "echo worker-password | sudo -S -p '' id -u", "worker")).toBe("0");
  await expect(ssh(board, "echo nosudo-password | sudo -S -p '' id -u", "nosudo")).rejects.toThrow();
  await expect(ssh(board, "true", "fresh")).rejects.toThrow(/Permission denied/);
});

test("a board installs packages through the lab's cache, and is bare before", async () => {
  await using board = await virtualBoard("bare");
  for (const absent of ["python3", "rabbitmqctl", "curl"]) {
    await expect(board.sh(`command -v ${absent}`)).rejects.toThrow();
  }
  await board.sh("apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes tree");
  expect(await board.sh("tree --version")).toMatch(/^tree v/);
});

test("a reboot is another boot of the same disk", async () => {
  await using board = await virtualBoard("rebooted");
  const bootId = await board.sh("cat /proc/sys/kernel/random/boot_id");
  await board.sh("echo kept >/etc/kept");

  await board.reboot();

  expect(await board.sh("cat /proc/sys/kernel/random/boot_id")).not.toBe(bootId);
  expect(await ssh(board, "cat /etc/kept")).toBe("kept");
});

test("a power cut closes no connection, and the disk is there when power is back", async () => {
  await using board = await virtualBoard("cut");
  await board.sh("echo kept >/etc/kept");
  const session = run("ssh", [
    ...["-F", "none", "-i", board.sshKeyPath, "-o", `UserKnownHostsFile=${board.knownHostsPath}`],
    ...["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2", `pi@${board.address}`, "sleep 60"],
  ]);
  const verdict = expect(session).rejects.toThrow(/not responding/); // and not: closed by remote host
  await board.sh("until pgrep -x sleep; do :; done");

  await board.cutPower();
  await verdict;
  await expect(board.sh("true")).rejects.toThrow(/off or between two boots/);

  await board.restorePower();
  expect(await ssh(board, "cat /etc/kept")).toBe("kept");
});

test("a pulled cable leaves the board running", async () => {
  await using board = await virtualBoard("unplugged");
  await board.cutLink();
  await expect(ssh(board, "true")).rejects.toThrow();
  expect(await board.sh("hostname")).toBe("unplugged");
  await board.restoreLink();
  expect(await ssh(board, "hostname")).toBe("unplugged");
});

test("a manifest sees a changed file and not a login", async () => {
  await using board = await virtualBoard("watched");
  const before = await board.manifest();
  await ssh(board, "true");
  expect(compareManifests(before, await board.manifest())).toEqual([]);

  await board.sh("printf x >>/etc/issue");
  const changes = compareManifests(before, await board.manifest());
  expect(changes.length).toBeGreaterThan(0);
  expect(changes.every((line) => line.includes("/etc/issue"))).toBe(true);
});

test("a board that is gone leaves no process, mount, link, cgroup or file", async () => {
  const board = await virtualBoard("gone");
  const place = boardPlace(lab, board.number);
  const init = await board.init();
  expect(existsSync(`/sys/class/net/${place.link}`)).toBe(true);

  await board[Symbol.asyncDispose]();

  expect(existsSync(`/proc/${init}`)).toBe(false);
  expect(existsSync(`/sys/class/net/${place.link}`)).toBe(false);
  expect(existsSync(place.folder)).toBe(false);
  expect(await readFile("/proc/self/mounts", "utf8")).not.toContain(place.folder);
  const groups = await readdir("/sys/fs/cgroup", { recursive: true });
  expect(groups.filter((path) => path.endsWith(place.cgroup))).toEqual([]);
});
