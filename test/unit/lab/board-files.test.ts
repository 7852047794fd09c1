import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { boardFiles, writeBoardFiles } from "../../../src/lab/board-files.js";

const identity = {
  hostname: "kitchen",
  machineId: "0123456789abcdef0123456789abcdef",
  authorizedKey: "ssh-ed25519 AAAA lab",
  aptProxyUrl: "http://10.98.42.1:3143",
  aptOptions: ['Acquire::Check-Date "false";'],
  model: "Raspberry Pi 4 Model B Rev 1.4",
  memoryMb: 4096,
  hostKeys: { ssh_host_ed25519_key: "secret\n", "ssh_host_ed25519_key.pub": "public\n" },
};
const files = new Map(boardFiles(identity).map((file) => [file.path, file]));

test("a board's files name it, open it to the lab's key and lead apt to the cache", () => {
  expect(files.get("/etc/hostname")?.content).toBe("kitchen\n");
  expect(files.get("/home/pi/.ssh/authorized_keys")).toMatchObject({ mode: 0o600, uid: 1000 });
  expect(files.has("/home/fresh/.ssh/authorized_keys")).toBe(false);
  expect(files.get("/etc/apt/apt.conf.d/90lab-cache")?.content).toBe(
    'Acquire::http::Proxy "http://10.98.42.1:3143";\nAcquire::https::Proxy "http://10.98.42.1:3143";\n' +
      'Acquire::Check-Date "false";\n',
  );
  expect(files.get("/etc/ssh/ssh_host_ed25519_key")?.mode).toBe(0o600);
  expect(files.get("/etc/ssh/ssh_host_ed25519_key.pub")?.mode).toBe(0o644);
});

test("os-release is the release's own unless the test wants another", () => {
  expect(files.has("/etc/os-release")).toBe(false);
  const other = boardFiles({ ...identity, osRelease: "ID=ubuntu\n" });
  expect(other.find(({ path }) => path === "/etc/os-release")?.content).toBe("ID=ubuntu\n");
});

test.runIf(process.getuid?.() === 0)("folders keep the base's mode, files get their own", async () => {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-test-"));
  const [base, upper] = [join(folder, "base"), join(folder, "upper")];
  await mkdir(join(base, "home/pi/.ssh"), { recursive: true });
  await mkdir(upper);
  await chmod(join(base, "home/pi/.ssh"), 0o700);
  await chown(join(base, "home/pi/.ssh"), 1000, 1000);

  const file = { path: "/home/pi/.ssh/authorized_keys", content: "key\n", mode: 0o600, uid: 1000 };
  await writeBoardFiles(base, upper, [{ ...file, content: "first\n" }, file]);

  expect(await stat(join(upper, "home/pi/.ssh"))).toMatchObject({ uid: 1000, mode: 0o40700 });
  expect(await stat(join(upper, file.path))).toMatchObject({ uid: 1000, gid: 1000, mode: 0o100600 });
  expect(await readFile(join(upper, file.path), "utf8")).toBe("key\n");
  await rm(folder, { recursive: true });
});
