/**
 * First-boot settings on real FAT partitions: what is written, what stays, what fsck says, what is refused.
 */
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { customiseCard, decideFormat } from "../../../../src/flash/first-boot/customise.js";
import { Secret } from "../../../../src/shared/secret.js";
import { BOOKWORM, BUSTER, card, NOBLE, rootOf, TRIXIE } from "./card.js";
import { hostKey, seed, WIFI } from "./seeds.js";

const COMMAND_LINE = "console=serial0,115200 root=PARTUUID=1-02 rootwait quiet\n";
// A comment in Latin-1, as somebody's editor left it.
const CONFIG = Buffer.from("# caf\xe9\ndtparam=audio=on\n\n[cm4]\notg_mode=1\n", "latin1");
const BOOT = { "cmdline.txt": COMMAND_LINE, "config.txt": CONFIG };

describe("the format `systemd`", () => {
  test("gets a script, a command line that runs it, and a clean file system", async () => {
    await using bookworm = await card({ boot: BOOT, root: rootOf(BOOKWORM, ["raspberrypi-sys-mods"]) });
    const key = await hostKey();
    const { format, image } = await customiseCard(bookworm.target, seed({ hostKeys: [key], wifi: WIFI }), {});
    expect([format, image.release, image.bootFolder]).toEqual(["systemd", "debian-12", "/boot/firmware"]);
    expect(await bookworm.read("cmdline.txt")).toBe(
      "console=serial0,115200 root=PARTUUID=1-02 rootwait quiet cgroup_enable=memory cgroup_memory=1 " +
        "cfg80211.ieee80211_regdom=DE systemd.run=/boot/firmware/firstrun.sh systemd.run_success_action=reboot " +
        "systemd.run_failure_action=reboot systemd.unit=kernel-command-line.target\n",
    );
    const script = await bookworm.read("firstrun.sh");
    expect(script).toContain("#!/bin/sh\nhostname=pi-07\nuser=ada\n");
    expect(script).toContain(key.private.reveal().trim());
    await execa("dash", ["-n", "-"], { input: script });
    expect(await bookworm.check()).not.toMatch(/differ|dirty|orphan|error/i);
  });

  test("leaves what others wrote as it is, also what is no UTF-8", async () => {
    await using bookworm = await card({ boot: BOOT, root: rootOf(BOOKWORM, ["raspberrypi-sys-mods"]) });
    await customiseCard(bookworm.target, seed(), {});
    const { stdout } = await execa(
      "mtype",
      ["-i", `${bookworm.target.path}@@${bookworm.target.boot.offset}`, "::config.txt"],
      {
        encoding: "latin1",
        env: { MTOOLS_SKIP_CHECK: "1" },
      },
    );
    expect(stdout).toBe("# caf\xe9\ndtparam=audio=on\n\n[cm4]\notg_mode=1\n\n[all]\ndtparam=watchdog=on");
  });

  test("a card that is done twice is as one that is done once", async () => {
    await using buster = await card({ boot: BOOT, root: rootOf(BUSTER, ["raspberrypi-sys-mods"], "/boot") });
    await customiseCard(buster.target, seed(), {});
    const once = [await buster.read("cmdline.txt"), await buster.read("config.txt"), await buster.list()];
    await customiseCard(buster.target, seed(), {});
    expect([await buster.read("cmdline.txt"), await buster.read("config.txt"), await buster.list()]).toEqual(
      once,
    );
    expect(once[0]).toContain("systemd.run=/boot/firstrun.sh ");
  });
});

describe("the formats of cloud-init", () => {
  test("Ubuntu gets three files, and its samples go", async () => {
    const boot = {
      ...BOOT,
      "user-data": "#cloud-config\nchpasswd: {}\n",
      "meta-data": "",
      "network-config": "",
    };
    await using noble = await card({ boot, root: rootOf(NOBLE, ["cloud-init"]) });
    const { format } = await customiseCard(noble.target, seed(), {});
    expect(format).toBe("cloudinit");
    expect(parse(await noble.read("meta-data"))).toEqual({
      "instance-id": "imcloud-1",
      "local-hostname": "pi-07",
    });
    expect(parse(await noble.read("user-data"))).toMatchObject({
      hostname: "pi-07",
      users: [{ name: "ada" }],
    });
    expect(await noble.read("cmdline.txt")).not.toContain("ds=nocloud");
    expect(await noble.check()).not.toMatch(/differ|dirty|orphan|error/i);
  });

  test("Raspberry Pi OS is also told the instance on the kernel's command line", async () => {
    await using trixie = await card({
      boot: BOOT,
      root: rootOf(TRIXIE, ["cloud-init", "raspberrypi-sys-mods"]),
    });
    const { format } = await customiseCard(
      trixie.target,
      seed({ user: { ...seed().user, sudo: "password" } }),
      {},
    );
    expect(format).toBe("cloudinit-rpi");
    expect(await trixie.read("cmdline.txt")).toMatch(/ ds=nocloud;i=imcloud-1\n$/);
    expect(parse(await trixie.read("user-data"))).toMatchObject({ user: { name: "ada", sudo: null } });
  });

  test("the command line is where config.txt says it is", async () => {
    const boot = {
      "config.txt": "kernel=uboot_rpi_4.bin\ncmdline=nobtcmd.txt\n",
      "nobtcmd.txt": "root=LABEL=writable\n",
    };
    await using bionic = await card({ boot, root: rootOf(NOBLE, ["cloud-init"]) });
    await customiseCard(bionic.target, seed(), {});
    expect(await bionic.read("nobtcmd.txt")).toBe(
      "root=LABEL=writable cgroup_enable=memory cgroup_memory=1\n",
    );
  });
});

test("an image that reads rpi-preseed.toml gets it", async () => {
  await using trixie = await card({
    boot: BOOT,
    root: rootOf(TRIXIE, ["rpi-preseed", "raspberrypi-sys-mods"]),
  });
  const { format } = await customiseCard(trixie.target, seed(), {});
  expect([format, await trixie.read("cmdline.txt")]).toEqual([
    "rpi-preseed",
    "console=serial0,115200 root=PARTUUID=1-02 rootwait quiet cgroup_enable=memory cgroup_memory=1\n",
  ]);
  expect(await trixie.read("rpi-preseed.toml")).toContain('[system]\nhostname = "pi-07"\n');
});

describe("a guess is refused", () => {
  const image = { prettyName: "Debian GNU/Linux 12 (bookworm)" };
  test("the image says what it takes; what the operator names counts", () => {
    expect(decideFormat({}, "systemd", image)).toBe("systemd");
    expect(decideFormat({ catalogued: "systemd" }, "systemd", image)).toBe("systemd");
    expect(decideFormat({ catalogued: "custom.toml" }, "systemd", image)).toBe("custom.toml");
    expect(decideFormat({ named: "cloudinit" }, undefined, image)).toBe("cloudinit");
    expect(decideFormat({ named: "cloudinit", catalogued: "systemd" }, "systemd", image)).toBe("cloudinit");
  });

  test("nothing is written to a card whose image says nothing, or whose format cannot say it all", async () => {
    await using blank = await card({ boot: BOOT, root: rootOf(BOOKWORM, []) });
    await using preseed = await card({ boot: BOOT, root: rootOf(TRIXIE, ["rpi-preseed"]) });
    await using foreign = await card({ boot: { "readme.txt": "x" }, root: rootOf(NOBLE, ["cloud-init"]) });
    const before = await Promise.all([blank, preseed, foreign].map((one) => one.list()));
    await expect(customiseCard(blank.target, seed(), {})).rejects.toMatchObject({
      code: "flash.format-unknown",
    });
    await expect(
      customiseCard(preseed.target, seed({ ethernet: { address: "10.0.0.2/24", dns: [] } }), {}),
    ).rejects.toMatchObject({ code: "flash.setting-refused" });
    await expect(customiseCard(foreign.target, seed(), {})).rejects.toMatchObject({
      code: "flash.partition-damaged",
    });
    expect(await Promise.all([blank, preseed, foreign].map((one) => one.list()))).toEqual(before);
  });
});

test("what is no FAT is told in mtools' words", async () => {
  await using odd = await card({ boot: BOOT });
  const target = { ...odd.target, boot: { offset: 0, size: 4096 } };
  await expect(customiseCard(target, seed(), { named: "systemd" })).rejects.toMatchObject({
    code: "flash.partition-damaged",
    exitCode: 4,
  });
});

test("no secret is in a file of the operator's or shows when it is printed", async () => {
  const shown = JSON.stringify(
    seed({ user: { ...seed().user, passwordHash: new Secret("canary-9") }, hostKeys: [await hostKey()] }),
  );
  expect(shown).not.toMatch(/canary-9|PRIVATE KEY/);
});
