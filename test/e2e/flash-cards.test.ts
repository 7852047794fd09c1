/**
 * Cards that become boards': the real command on small images with a partition table, a FAT and an ext4 partition.
 * That such cards boot is `test/fault/flashed-board.test.ts`.
 */
import { createHash } from "node:crypto";
import { open, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { operator, type Operator } from "./operator.js";
import { BOOKWORM, card, partitioned, rootOf, type Card } from "../unit/flash/first-boot/card.js";

const MIB = 1024 * 1024;
const PASS_PHRASE = "a pass phrase that nobody sees";
const CONFIG = {
  version: 1,
  cloud: { name: "test" },
  boards: { "pi-07": { address: "192.0.2.7" }, "pi-08": { address: "192.0.2.8" } },
  groups: { "class-a": { boards: ["pi-07", "pi-08"] } },
  firstBoot: { user: "ada", wifi: { ssid: "School", country: "DE" } },
};

let image: Card;
let home: Operator;
beforeAll(async () => {
  image = await card({
    boot: {
      "cmdline.txt": "root=PARTUUID=1-02 rootwait\n",
      "config.txt": "arm_64bit=1\n",
      "kernel8.img": "x".repeat(MIB),
    },
    root: rootOf(BOOKWORM, ["raspberrypi-sys-mods"]),
  });
  await partitioned(image);
  home = await operator({ boards: [], empty: true, secrets: { wifi_password: PASS_PHRASE } });
  await home.write("imcloud.yaml", stringify(CONFIG));
});
afterAll(async () => {
  await image[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

const at = (name: string) => join(home.folder, name);
const fat = async (name: string, file: string): Promise<string> =>
  (
    await execa("mtype", ["-i", `${at(name)}@@${image.target.boot.offset}`, `::${file}`], {
      env: { MTOOLS_SKIP_CHECK: "1" },
    })
  ).stdout;
/** Of the host keys, as the script has them. */
const publicKeys = async (name: string): Promise<readonly string[]> =>
  [...(await fat(name, "firstrun.sh")).matchAll(/^host_key_\w+_pub='?(\S+ \S+)/gm)].map(
    ([, key = ""]) => key,
  );

async function digest(path: string, from: number, to?: number): Promise<string> {
  const file = await open(path);
  try {
    const hash = createHash("sha256");
    const end = to ?? (await file.stat()).size;
    for (let offset = from; offset < end; offset += MIB) {
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(MIB),
        0,
        Math.min(MIB, end - offset),
        offset,
      );
      hash.update(buffer.subarray(0, bytesRead));
    }
    return hash.digest("hex");
  } finally {
    await file.close();
  }
}

test("each board of a group gets a card of its own, its keys are pinned, and the rest is the image byte for byte", async () => {
  const flashed = await home.imcloud(
    "flash",
    "--image",
    image.target.path,
    "--to",
    "7.img",
    "8.img",
    "--on",
    "class-a",
  );
  expect(flashed.exitCode, flashed.stderr).toBe(0);
  expect(flashed.stderr).toContain("  7.img is for pi-07\n  8.img is for pi-08\n");
  expect(await fat("7.img", "firstrun.sh")).toContain("hostname=pi-07\nuser=ada\n");
  expect(await fat("8.img", "firstrun.sh")).toContain("hostname=pi-08\nuser=ada\n");

  const records = await home.read(".imcloud/known_hosts");
  const [seven, eight] = [await publicKeys("7.img"), await publicKeys("8.img")];
  expect([seven.length, eight.length]).toEqual([3, 3]);
  for (const key of seven) expect(records).toContain(`192.0.2.7 ${key}\n`);
  for (const key of eight) expect(records).toContain(`pi-08.local ${key}\n`);
  expect(seven.filter((key) => eight.includes(key))).toEqual([]);

  const { boot, path } = image.target;
  expect(await digest(at("7.img"), 0, boot.offset)).toBe(await digest(path, 0, boot.offset));
  expect(await digest(at("7.img"), boot.offset + boot.size)).toBe(
    await digest(path, boot.offset + boot.size),
  );
  const part = at("boot.part");
  await execa("dd", [
    `if=${at("7.img")}`,
    `of=${part}`,
    "bs=1M",
    `skip=${boot.offset / MIB}`,
    `count=${boot.size / MIB}`,
  ]);
  await execa("fsck.vfat", ["-n", part]);
  await rm(part);
});

test("the pass phrase is in nothing that was written or printed, and private keys are for the operator alone", async () => {
  expect(await home.tracesOf(PASS_PHRASE)).toEqual(["home:imcloud.secrets.yaml"]);
  expect((await stat(at(".imcloud/identities/pi-07/ssh_host_ed25519_key"))).mode & 0o777).toBe(0o600);
});

test("a board that is replaced keeps its keys; one that is flashed anew gets others", async () => {
  const before = await publicKeys("7.img");
  const replaced = await home.imcloud(
    "flash",
    "--image",
    image.target.path,
    "--to",
    "7b.img",
    "--replace",
    "pi-07",
  );
  expect(replaced.exitCode, replaced.stderr).toBe(0);
  expect(await publicKeys("7b.img")).toEqual(before);
  const to = ["--to", "7c.img", "--on", "pi-07", "--json"];
  const anew = await home.imcloud("flash", "--image", image.target.path, ...to);
  expect(anew.exitCode, anew.stderr).toBe(0);
  expect(anew.json).toMatchObject({
    targets: { "7c.img": { outcome: "written" } },
    boards: { "pi-07": { outcome: "written", target: "7c.img" } },
  });
  const { size } = await stat(image.target.path);
  expect(
    anew.stderr
      .split("\n")
      .filter((line) => line.includes('"measured"'))
      .map((line) => JSON.parse(line) as unknown),
  ).toContainEqual(
    expect.objectContaining({ board: "7c.img", phase: "writing", bytes: size, ofBytes: size }),
  );
  const after = await publicKeys("7c.img");
  expect(after.filter((key) => before.includes(key))).toEqual([]);
  expect(await home.read(".imcloud/known_hosts")).not.toContain(before[0]);
  const { cards } = JSON.parse(await home.read(".imcloud/cards.json")) as {
    cards: readonly { drive: string }[];
  };
  expect(cards.map(({ drive }) => drive)).toEqual(["7c.img", "7b.img", "8.img", "7.img"]);
});

test("a table says what is otherwise, and labels come with it", async () => {
  await home.write("boards.csv", "board,hostname,address\npi-08,grace,192.0.2.88/24\n");
  const flashed = await home.imcloud(
    ...[
      "flash",
      "--image",
      image.target.path,
      "--to",
      "grace.img",
      "--csv",
      "boards.csv",
      "--labels",
      "sheet.pdf",
    ],
  );
  expect(flashed.exitCode, flashed.stderr).toBe(0);
  expect(await fat("grace.img", "firstrun.sh")).toContain("hostname=grace\n");
  expect(await home.read(".imcloud/known_hosts")).toContain("192.0.2.88 ssh-ed25519 ");
  expect((await readFile(at("sheet.pdf"))).subarray(0, 5).toString()).toBe("%PDF-");
});

test("what is wrong is told before anything is written", async () => {
  const cases: readonly (readonly [args: readonly string[], exitCode: number, message: string])[] = [
    [["--to", "x.img", "--on", "class-a"], 64, "each board wants a card of its own"],
    [["--to", "x.img", "--wait"], 64, "`--wait` says nothing without a board"],
    [["--to", "x.img", "--format", "systemd"], 64, "`--format` says nothing without a board"],
    [["--to", "x.img", "--on", "pi-09"], 64, "pi-09"],
    [
      ["--to", "x.img", "--on", "pi-07", "--wait-minutes", "0"],
      64,
      "`--wait-minutes 0` is not what is allowed there",
    ],
    [["--to", "x.img", "--card-minutes", "5"], 64, "`--card-minutes` says nothing without a board"],
    [
      ["--to", "x.img", "--on", "pi-07", "--card-minutes", "1.5"],
      64,
      "`--card-minutes 1.5` is not what is allowed there",
    ],
    [["--to", "x.img", "--on", "pi-07", "--csv", "boards.csv"], 64, "cannot be used with option"],
    [["--to", "x.img", "--csv", "none.csv"], 65, "`none.csv` cannot be read"],
  ];
  for (const [args, exitCode, message] of cases) {
    const refused = await home.imcloud("flash", "--image", image.target.path, ...args);
    expect([refused.exitCode, refused.stderr], args.join(" ")).toEqual([
      exitCode,
      expect.stringContaining(message),
    ]);
    await expect(stat(at("x.img"))).rejects.toThrow("ENOENT");
  }
});

test("an image that shows no format is refused, its card does not boot, and the board's keys stay in force", async () => {
  await using blank = await card({ boot: { "cmdline.txt": "root=/dev/x\n" } });
  const path = await partitioned(blank);
  const records = await home.read(".imcloud/known_hosts");
  const refused = await home.imcloud("flash", "--image", path, "--to", "blank.img", "--on", "pi-07");
  expect([refused.exitCode, refused.stderr]).toEqual([
    65,
    expect.stringContaining("error[flash.format-unknown]"),
  ]);
  await expect(stat(at("blank.img"))).rejects.toThrow("ENOENT");
  expect(await home.read(".imcloud/known_hosts")).toBe(records);
});

test("`init` begins with a card: it writes down what is to be on it, and says how it goes on", async () => {
  await using empty = await operator({ boards: [], empty: true });
  const card = ["--flash", image.target.path, "--to", "attic.img", "--board", "attic", "--user", "ada"];
  const cloud = ["--name", "loft", "--broker", "none", "--admin", "ada", "--no-apply", "--yes"];
  const made = await empty.imcloud("init", ...card, "--wifi", "School", "--wifi-country", "DE", ...cloud);
  expect(made.exitCode, made.stderr).toBe(0);
  expect(made.stderr).toContain(`--to attic.img --on attic --wait\``);
  expect(parse(await empty.read("imcloud.yaml"))).toMatchObject({
    boards: {
      attic: { address: "attic.local", firstBoot: { user: "ada", wifi: { ssid: "School", country: "DE" } } },
    },
  });
  const flashed = await empty.imcloud(
    "flash",
    "--image",
    image.target.path,
    "--to",
    "attic.img",
    "--on",
    "attic",
    {
      env: { IMCLOUD_SECRET_WIFI_PASSWORD: PASS_PHRASE },
    },
  );
  expect(flashed.exitCode, flashed.stderr).toBe(0);

  const without = await empty.imcloud(
    "init",
    "--flash",
    "x.img",
    "--board",
    "attic",
    "-c",
    "other.yaml",
    "--yes",
  );
  expect([without.exitCode, without.stderr]).toEqual([
    64,
    expect.stringContaining("nobody is there to be asked: Card to write"),
  ]);
});
