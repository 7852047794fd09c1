/**
 * The emulated board itself: what later tests lean on, and the two controls of every power cut. And what only a
 * kernel of its own can show of `tuning`: that settings take, swap in memory is there, and a boot keeps both.
 *
 * IMCLOUD_FAULT=long also lets the board reboot by itself, which the SSD's tests do in any case.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { operator, type Operator } from "../e2e/operator.js";
import { emulatedBoard, type EmulatedBoard } from "../../src/lab/emulated-board.js";
import { BUILD_MS, describeEmulated, IS_LONG, STEP_MS } from "./emulated.js";

const CLOCK_TOLERANCE_S = 10;

describeEmulated("an emulated board", () => {
  let board: EmulatedBoard;
  let home: Operator;
  beforeAll(async () => {
    board = await emulatedBoard("attic", { ssd: { adapter: "uas", sizeMb: 512 } });
    home = await operator({ boards: [board], playbooks: ["tuning"] });
  }, BUILD_MS);
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await board[Symbol.asyncDispose]();
  }, STEP_MS);

  const swap = () => board.sh("awk 'FNR > 1 { print $1, $5 }' /proc/swaps");
  const settings = ["vm.swappiness", "vm.page-cluster", "vm.min_free_kbytes", "vm.dirty_bytes"] as const;
  const inForce = async () => (await board.sh(`sysctl -n ${settings.join(" ")}`)).split("\n");
  let bare: readonly string[];
  let tuned: readonly string[];

  test("has a kernel of its own, a name, the right time, and the disk that was plugged in", async () => {
    expect(await board.sh("uname -m; hostname; cat /etc/hostname")).toBe("aarch64\nattic\nattic");
    const seconds = Number(await board.sh("date +%s"));
    expect(Math.abs(seconds - Date.now() / 1000)).toBeLessThan(CLOCK_TOLERANCE_S);
    await board.sh(
      "udevadm settle; until [ -b /dev/sda ]; do udevadm settle --exit-if-exists=/dev/sda; done",
    );
    expect(await board.sh("lsblk -dno NAME,TRAN,ROTA,SIZE /dev/sda | xargs")).toBe("sda usb 0 512M");
  });

  test("a kernel parameter takes effect, and the network has a queue discipline", async () => {
    const limit = async () => Number(await board.sh("awk '/^CommitLimit/ { print $2 }' /proc/meminfo"));
    const before = await limit();
    await board.sh("sysctl -q vm.overcommit_ratio=10");
    expect(await limit()).toBeLessThan(before / 4);
    await board.sh("tc qdisc replace dev eth0 root cake bandwidth 100mbit");
    expect(await board.sh("tc qdisc show dev eth0")).toContain("qdisc cake");
  });

  test(
    "`tuning` gives it half of its memory as swap, packed, and its settings",
    { timeout: STEP_MS },
    async () => {
      bare = await inForce();
      expect(await swap()).toBe("");
      const applied = await home.imcloud("apply", "--yes");
      expect(applied.exitCode, applied.stderr).toBe(0);
      expect(await swap()).toBe("/dev/zram0 100");
      const [total = 0, swapTotal = 0] = (
        await board.sh("awk '/^(MemTotal|SwapTotal):/ { print $2 }' /proc/meminfo")
      )
        .split("\n")
        .map(Number);
      expect(swapTotal / total).toBeCloseTo(0.5, 2);
      tuned = await inForce();
      expect(tuned.map((value, index) => [settings[index], value])).toEqual([
        ["vm.swappiness", "120"],
        ["vm.page-cluster", "0"],
        ["vm.min_free_kbytes", expect.not.stringMatching(`^${bare[2]}$`)],
        ["vm.dirty_bytes", "50331648"],
      ]);
      const again = await home.imcloud("plan");
      expect(again.exitCode, again.stdout).toBe(0);
    },
  );

  test(
    "a power cut keeps what was flushed and loses what was not, and the boot partition counts",
    { timeout: STEP_MS },
    async () => {
      const boot = await board.sh("cat /proc/sys/kernel/random/boot_id");
      await board.sh("sed -i 's/$/ imcloud.mark=1/' /boot/firmware/cmdline.txt; sync");
      await board.sh("echo kept >/root/kept; sync /root/kept; echo lost >/root/lost");
      await board.cutPower();
      await board.restorePower();
      expect(await board.sh("cat /root/kept; cat /root/lost 2>/dev/null || :")).toBe("kept");
      expect(await board.sh("cat /proc/cmdline")).toContain("imcloud.mark=1");
      expect(await board.sh("cat /proc/sys/kernel/random/boot_id")).not.toBe(boot);
      expect(await board.sh("hostname; lsblk -dno TRAN /dev/sda")).toBe("attic\nusb");
      expect([await swap(), await inForce()]).toEqual(["/dev/zram0 100", tuned]);
    },
  );

  test.runIf(IS_LONG)("a board that reboots by itself comes back", { timeout: STEP_MS }, async () => {
    const boot = await board.sh("cat /proc/sys/kernel/random/boot_id");
    await board.reboot();
    expect(await board.sh("cat /proc/sys/kernel/random/boot_id")).not.toBe(boot);
  });

  test("`destroy` gives the memory back, and the settings", { timeout: STEP_MS }, async () => {
    const destroyed = await home.imcloud("destroy", "attic", "--yes", "attic");
    expect(destroyed.exitCode, destroyed.stderr).toBe(0);
    expect([await swap(), await inForce()]).toEqual(["", bare]);
    expect(await board.sh("cat /sys/block/zram0/disksize; ls /usr/local/lib")).not.toContain("imcloud");
  });
});
