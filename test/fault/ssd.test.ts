/**
 * Data moves to a USB disk of an emulated aarch64 board, whose power is cut at random moments meanwhile: nothing that
 * was acknowledged is lost. And without the disk, nothing is written where it was.
 *
 * The disk is behind QEMU's `usb-storage`, which looks like the adapters that Linux trusts with nothing: a spinning
 * disk, TRIM off. One cut while 20 MiB move; IMCLOUD_FAULT=long cuts twenty times while 64 MiB do. A failing cut prints
 * its moment; IMCLOUD_SEED chooses others.
 */
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { emulatedBoard, type EmulatedBoard } from "../../src/lab/emulated-board.js";
import { journalFolder } from "../e2e/journal.js";
import { operator, type Operator } from "../e2e/operator.js";
import { BUILD_MS, describeEmulated, IS_LONG, STEP_MS } from "./emulated.js";
import { seededMoments } from "./interruption.js";
import { moveBack } from "./move-back.js";
import { writer } from "./writer.js";

const CUTS = IS_LONG ? 20 : 1;
/** Of one file; the others have 4 MB together. */
const BIG_MIB = IS_LONG ? 60 : 16;
const SEED = Number(process.env["IMCLOUD_SEED"] ?? 20_261_124);

/** Every third cut comes while the disk is being formatted, mounted and tried; the others while data moves. */
const isFromScratch = (cut: number) => cut % 3 === 1;

const say = (line: string) => process.stderr.write(`ssd: ${line}\n`);

describeEmulated("a board with an SSD", () => {
  let board: EmulatedBoard;
  let home: Operator;
  let moveMs = 0;
  let wholeMs = 0;

  beforeAll(async () => {
    board = await emulatedBoard("attic", { ssd: { adapter: "usb-storage", sizeMb: 512 } });
    home = await operator({
      boards: [board],
      playbooks: ["ssd"],
      config: {
        cloud: { name: "test", broker: "none" },
        vars: { ssd: { move: [{ path: writer.folder, unit: writer.unit }], journal: true } },
      },
    });
    // The image has it masked, for its card; see docs/lab.md.
    await board.sh("systemctl --quiet unmask fstrim.timer");
    await writer.install(board, BIG_MIB);
  }, BUILD_MS);
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await board[Symbol.asyncDispose]();
  });

  const settled = async () => {
    expect(await board.sh(`findmnt -no SOURCE ${writer.folder}; systemctl is-active ${writer.unit}`)).toMatch(
      /^\/dev\/sd[a-z]1\[\/srv-data\]\nactive$/,
    );
    expect(await writer.manifest(board)).toBe(writer.original());
    expect(
      await board.sh("cat /sys/fs/ext4/*/errors_count | sort -u; dmesg | grep -c 'EXT4-fs error' || :"),
    ).toBe("0\n0");
    const { exitCode, json } = await home.imcloud("plan", "--json");
    expect(exitCode).toBe(0);
    expect(json).toMatchObject({ boards: { attic: { changes: [], execs: 1 } } });
    expect(await journalFolder(board)).toBe("/var/log/journal");
    expect(await board.sh("findmnt -no SOURCE /var/log/journal")).toMatch(
      /^\/dev\/sd[a-z]1\[\/var-log-journal\]$/,
    );
  };

  test(
    "is refused while it holds something, or is in use, and nothing is done to the board",
    async () => {
      await board.sh(
        "mkfs.ext4 -q -F -L photos /dev/sda && mount /dev/sda /mnt && echo mine > /mnt/photo && umount /mnt",
      );
      const look = () =>
        board.sh(
          "udevadm settle; head -c 32M /dev/sda | sha256sum; cat /etc/fstab; find /etc/udev /var/lib/imcloud /srv 2>&1 || :",
        );
      const before = await look();
      const unnamed = await home.imcloud("apply", "--yes", "--json");
      expect(unnamed.exitCode).toBe(65);
      expect(unnamed.json).toMatchObject({
        boards: {
          attic: {
            outcome: "failed",
            error: {
              code: "board.disk-refused",
              message: "the disk is not empty",
              found: expect.stringContaining("ext4 `photos`") as string,
            },
          },
        },
      });
      expect(await look()).toBe(before);

      // Named, but mounted: not that either.
      const serial = await board.sh("lsblk -dno SERIAL /dev/sda; mount -o ro /dev/sda /mnt");
      const config = await home.read("imcloud.yaml");
      await home.write("imcloud.yaml", config.replace("  ssd:\n", `  ssd:\n    serial: "${serial}"\n`));
      const mounted = await home.imcloud("apply", "--yes", "--json");
      expect(mounted.json).toMatchObject({
        boards: { attic: { error: { message: "that disk is in use" } } },
      });
      await board.sh("umount /mnt");
      expect(await look()).toBe(before);

      await home.write("imcloud.yaml", config);
      await board.sh(
        "wipefs -aq /dev/sda; head -c 1M /dev/zero | dd of=/dev/sda conv=fsync status=none; udevadm settle",
      );
    },
    STEP_MS,
  );

  test(
    "is found, formatted, mounted and filled while the service runs; TRIM is tried, and then on",
    async () => {
      const before = await home.imcloud("plan", "--json");
      expect(before.json).toMatchObject({
        boards: {
          attic: {
            changes: expect.arrayContaining([
              expect.objectContaining({
                resource: "disk:ssd",
                risk: "destructive",
                before: expect.stringMatching(/QEMU HARDDISK \(usb, 537 MB, serial \S+\): empty/) as string,
              }),
            ]) as unknown,
          },
        },
      });
      expect(await board.sh("cat /sys/block/sda/queue/discard_max_bytes")).toBe("0");

      const applied = await home.imcloud("apply", "--yes", "--json", { deadlineMs: STEP_MS });
      expect(applied.exitCode, applied.stderr).toBe(0);
      const steps = stepsOf(applied.json);
      moveMs = steps.get("create data-move:/srv/data") ?? 0;
      wholeMs = [
        "create disk:ssd",
        "create mount:/srv/ssd",
        "create disk-trim:/srv/ssd",
        "create data-move:/srv/data",
      ].reduce((sum, title) => sum + (steps.get(title) ?? 0), 0);
      say(
        `a move of ${BIG_MIB + 4} MiB takes ${Math.round(moveMs / 1000)} s, with formatting ${Math.round(wholeMs / 1000)} s`,
      );
      await settled();
      expect(await writer.wrongLines(board)).toBe("");
      expect(await board.sh("cat /sys/block/sda/queue/scheduler; cat /var/lib/imcloud/trim/*")).toBe(
        "[mq-deadline] none\nworks 46f4:0001",
      );
      expect(await board.sh("fstrim -v /srv/ssd")).toMatch(/trimmed/);
      expect(await board.sh("findmnt -no OPTIONS /srv/ssd")).toContain("noatime");
      // The old copy stays until somebody says otherwise.
      expect(await board.sh("ls -d /srv/data.imcloud-old")).toBe("/srv/data.imcloud-old");
    },
    STEP_MS,
  );

  test(
    "that is full, or goes away in the middle, leaves data and service where they were",
    async () => {
      await moveBack(board, false);
      const stayed = async () => {
        expect(await board.sh(`systemctl is-active ${writer.unit}; findmnt ${writer.folder} || :`)).toBe(
          "active",
        );
        expect(await writer.manifest(board)).toBe(writer.original());
        expect(await writer.wrongLines(board)).toBe("");
      };
      await board.sh(
        "fallocate -l $(($(df -Pk /srv/ssd | awk 'NR == 2 { print $4 }') - 8192))K /srv/ssd/full",
      );
      const full = await home.imcloud("apply", "--yes", { deadlineMs: STEP_MS });
      expect(full.exitCode).toBe(4);
      expect(full.stderr).toMatch(/not enough room on \/srv\/ssd: \d+ KiB are needed, \d+ KiB are free/);
      await stayed();
      await board.sh("rm /srv/ssd/full");

      // Watched from the board, and from before: on a busy machine a small move is over before anybody has logged in.
      const copying = board.sh('until set -- /srv/ssd/srv-data/*; [ -e "$1" ]; do sleep 0.1; done');
      const running = home.start("apply", "--yes", "--json", { deadlineMs: STEP_MS });
      await copying;
      await board.unplugSsd();
      expect((await running).exitCode).toBe(4);
      await stayed();
      await board.plugSsd();
      await board.sh("until [ -e /dev/disk/by-label/imcloud-ssd ]; do udevadm settle; sleep 0.2; done");
    },
    2 * STEP_MS,
  );

  test(
    `${CUTS} power cut${CUTS === 1 ? "" : "s"} while it moves: one more run, and everything is there`,
    async () => {
      const moments = seededMoments(CUTS, 1_000_000, SEED);
      for (const [cut, moment] of moments.entries()) {
        const part = moment.kind === "time" ? moment.afterMs / 1_000_000 : 0;
        if (cut > 0) await moveBack(board, isFromScratch(cut));
        await using watch = await writer.watch(board);
        const step = isFromScratch(cut) ? "disk:ssd" : "data-move:";
        const afterMs = Math.round(part * (isFromScratch(cut) ? wholeMs : moveMs));
        const where = `cut ${cut + 1} of ${CUTS}, ${afterMs} ms into ${step}`;
        await cutDuring(home, board, step, afterMs);
        const acknowledged = watch.last();
        await board.restorePower();
        const again = await home.imcloud("apply", "--yes", "--json", { deadlineMs: STEP_MS });
        expect(again.exitCode, `${where}\n${again.stderr}`).toBe(0);
        await settled();
        expect(await writer.wrongLines(board), where).toBe("");
        const kept = await writer.lines(board);
        expect(kept, where).toBeGreaterThanOrEqual(acknowledged);
        say(`${where}: all of ${acknowledged} acknowledged lines are there, and ${kept - acknowledged} more`);
      }
    },
    (CUTS + 1) * STEP_MS,
  );

  test(
    "pulled out while it runs: the service stops, and nobody writes to the card; health and apply say why",
    async () => {
      await board.unplugSsd();
      await board.sh(
        `until [ "$(systemctl is-active ${writer.unit})" = inactive ] && ! mountpoint -q ${writer.folder} && ! mountpoint -q /var/log/journal; do sleep 0.2; done`,
      );
      expect(await journalFolder(board)).toBe("/run/log/journal");
      await isNotWrittenTo(board);
      const health = await home.imcloud("health", "--json");
      expect(health.exitCode).toBe(3);
      expect(health.stdout).toContain(
        "the disk of /srv/ssd is not there, and what keeps its data on it does not run",
      );
      const refused = await home.imcloud("apply", "--yes");
      expect(refused.exitCode).toBe(65);
      expect(refused.stderr).toContain(
        "error[board.disk-refused]: the disk that this board's data is on is not there",
      );
    },
    STEP_MS,
  );

  test(
    "a boot without the disk starts no service on the empty folder; with it back, one run brings all of it back",
    async () => {
      await board.reboot();
      expect(await board.sh(`systemctl is-active ${writer.unit} || :`)).toBe("inactive");
      expect(await journalFolder(board)).toBe("/run/log/journal");
      await isNotWrittenTo(board);

      await board.plugSsd();
      await board.sh("until [ -e /dev/disk/by-label/imcloud-ssd ]; do udevadm settle; sleep 0.2; done");
      const healed = await home.imcloud("apply", "--yes", "--json", { deadlineMs: STEP_MS });
      expect(healed.exitCode, healed.stderr).toBe(0);
      await settled();
      expect(await writer.wrongLines(board)).toBe("");
      expect((await home.imcloud("health", "--json")).stdout).toContain("mounted at /srv/ssd, TRIM works");
      expect(Number(await board.sh("cat /sys/block/sd*/queue/discard_max_bytes"))).toBeGreaterThan(0);
    },
    2 * STEP_MS,
  );

  test.runIf(IS_LONG)(
    "beside a card that was written anew, has data that is taken up again",
    async () => {
      await board.sh(`
        systemctl stop ${writer.unit}
        umount ${writer.folder} /srv/ssd
        sed -i '/x-imcloud/d' /etc/fstab
        chattr -i ${writer.folder} /srv/ssd
        rm -r ${writer.folder} ${writer.folder}.imcloud-old /srv/ssd /var/lib/imcloud
        systemctl daemon-reload`);
      const applied = await home.imcloud("apply", "--yes", "--json", { deadlineMs: STEP_MS });
      expect(applied.exitCode, applied.stderr).toBe(0);
      expect([...stepsOf(applied.json).keys()]).not.toContain("create disk:ssd");
      await settled();
      expect(await writer.wrongLines(board)).toBe("");
    },
    STEP_MS,
  );
});

/** Duration of each step, in milliseconds, by its title. */
function stepsOf(json: Readonly<Record<string, unknown>>): ReadonlyMap<string, number> {
  const { attic } = json["boards"] as {
    attic: { waves: { steps: { title: string; durationMs: number }[] }[] };
  };
  return new Map(
    attic.waves.flatMap(({ steps }) => steps.map(({ title, durationMs }) => [title, durationMs])),
  );
}

async function untilStep({ stderr }: ReturnType<Operator["start"]>, step: string): Promise<void> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: stderr })) {
    if (line.includes('"step-started"') && line.includes(step)) return;
    lines.push(line);
  }
  throw new Error(`there was no step ${step} in:\n${lines.join("\n")}`);
}

/** Cuts the power so long after a step has begun. */
async function cutDuring(home: Operator, board: EmulatedBoard, step: string, afterMs: number): Promise<void> {
  const running = home.start("apply", "--yes", "--json", { deadlineMs: STEP_MS });
  await untilStep(running, step);
  await delay(afterMs);
  await board.cutPower();
  await running;
}

async function isNotWrittenTo(board: EmulatedBoard): Promise<void> {
  for (const folder of [writer.folder, "/var/log/journal", "/srv/ssd"])
    expect(await board.sh(`touch ${folder}/file 2>&1 || :; ls -A ${folder}`)).toMatch(
      /Operation not permitted$/,
    );
}
