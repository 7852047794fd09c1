/**
 * From an image to a board that is ours: written by the real command, booted with nothing but what is on the card,
 * proved by the host key that was pinned before it was ever on, and brought to what imcloud.yaml says.
 *
 * Short: Raspberry Pi OS's format, if the emulated image is in the cache. IMCLOUD_FAULT=long: cloud-init's as well,
 * whose image is made first.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { operator, type Operator } from "../e2e/operator.js";
import { bareBoard, isEmulatedImageReady, type EmulatedBoard } from "../../src/lab/emulated-board.js";
import { checkCard, miniature, MINIATURE_PACKAGES, type MiniatureFormat } from "./miniature.js";
import { untilSaid } from "./until-said.js";

const isLong = process.env["IMCLOUD_FAULT"] === "long";
const MAKE_MS = 2_400_000;
const BOOT_MS = 1_200_000;
const PASSWORD = "correct horse battery";
const FIRST_BOOT = {
  user: "ada",
  password: "user_password",
  sudo: "nopasswd",
  ethernet: { address: "10.0.2.15/24", gateway: "10.0.2.2" },
  wifi: { ssidHex: Buffer.from(`caf\u00e9 "'`).toString("hex"), country: "DE" },
  timezone: "Europe/Berlin",
  // The lab's image has no others.
  locale: "C.UTF-8",
  keyboard: "de",
};

/** What a board of each format is brought to: emulated dpkg takes minutes for `base`. */
const PLAYBOOKS: Readonly<Record<MiniatureFormat, readonly string[]>> = {
  systemd: ["tuning"],
  cloudinit: ["base"],
};

for (const format of ["systemd", "cloudinit"] as const) {
  const isRun = isLong || (format === "systemd" && (await isEmulatedImageReady(MINIATURE_PACKAGES[format])));
  describe.runIf(isRun)(`a card in the format \`${format}\``, () => {
    let folder: string;
    let home: Operator;
    let board: EmulatedBoard;

    beforeAll(async () => {
      folder = await mkdtemp("/var/tmp/imcloud-flashed-");
      home = await operator({
        boards: [],
        empty: true,
        secrets: { user_password: PASSWORD, wifi_password: "never joined" },
      });
      await miniature(folder, format);
      board = await bareBoard("pi-07");
      const config = {
        version: 1,
        cloud: { name: "test" },
        boards: { "pi-07": { address: board.address, port: board.port } },
        playbooks: PLAYBOOKS[format],
        firstBoot: FIRST_BOOT,
      };
      await home.write("imcloud.yaml", stringify(config));
    }, MAKE_MS);
    afterAll(async () => {
      await board[Symbol.asyncDispose]();
      await home[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    }, BOOT_MS);

    test(
      "is written, and boots into a board that is known, ready and as imcloud.yaml says: by one command",
      { timeout: BOOT_MS },
      async () => {
        const card = join(folder, "card.img");
        const flashing = home.start(
          ...["flash", "--image", join(folder, `${format}.img`), "--to", card, "--on", "pi-07"],
          ...["--labels", "labels.pdf", "--wait", "--wait-minutes", "20", { deadlineMs: BOOT_MS }],
        );
        // A person would put the card into the board now.
        await untilSaid(flashing.stderr, "pi-07: waiting for it at ");
        await checkCard(card, folder);
        await board.insertCard(card);
        await board.switchOn();
        const { exitCode, stderr } = await flashing;
        expect(exitCode, `${stderr}\n${(await readFile(board.consoleLog, "utf8")).slice(-3000)}`).toBe(0);
        expect(stderr).toContain(`pi-07: Debian GNU/Linux 12 (bookworm), first boot by ${format}\n`);
        expect(stderr).toContain(`pi-07: ready at ${board.address}\n`);
        expect(stderr).toMatch(/1 board: 1 changed$/);
        const settled = await home.imcloud("plan");
        expect(settled.exitCode, settled.stderr).toBe(0);
      },
    );

    test("is on record, and has a label", async () => {
      const cards: unknown = JSON.parse(await home.read(".imcloud/cards.json"));
      expect(cards).toMatchObject({ cards: [{ board: "pi-07", format, drive: join(folder, "card.img") }] });
      expect((await home.read("labels.pdf")).slice(0, 5)).toBe("%PDF-");
    });

    /** OpenSSH itself, which knows the board from imcloud's records alone. */
    const ssh = async (command: string, input = ""): Promise<string> => {
      const records = join(home.folder, ".imcloud/known_hosts");
      const options = [
        `UserKnownHostsFile=${records}`,
        "StrictHostKeyChecking=yes",
        "BatchMode=yes",
        "IdentitiesOnly=yes",
      ];
      const { stdout } = await execa(
        "ssh",
        [
          ...["-F", "none", "-i", join(home.folder, ".imcloud/id_ed25519"), "-p", String(board.port)],
          ...options.flatMap((option) => ["-o", option]),
          ...[`ada@${board.address}`, command],
        ],
        { input },
      );
      return stdout;
    };

    test("is as it was asked for: name, account, sudo, address, clock's place", async () => {
      expect(await ssh("hostname; id -un; sudo -n id -un; cat /etc/hostname")).toBe(
        "pi-07\nada\nroot\npi-07",
      );
      const rules = `cd /etc/sudoers.d && grep -l "^ada " * | xargs stat -c "%a:%U"`;
      expect(await ssh(`sudo sh -c '${rules}'`)).toBe("440:root");
      // Fixed, not leased.
      expect(await ssh("ip -4 -o addr show dev eth0")).toMatch(/inet 10\.0\.2\.15\/24 .*valid_lft forever/);
      expect(await ssh("ip -4 -o addr show dev eth0")).not.toContain("dynamic");
      expect(await ssh("readlink -f /etc/localtime; . /etc/default/keyboard; echo $XKBLAYOUT")).toBe(
        "/usr/share/zoneinfo/Europe/Berlin\nde",
      );
      expect(await ssh("cat /etc/default/locale")).toMatch(/^LANG="?C\.UTF-8"?$/m);
      expect(await ssh("sudo sshd -T | grep '^passwordauthentication'")).toBe("passwordauthentication no");
    });

    test("has the account's password, and the network's key and not its pass phrase", async () => {
      const hash = (await ssh("sudo getent shadow ada")).split(":")[1] ?? "";
      const { stdout } = await execa(
        "openssl",
        ["passwd", "-6", "-salt", hash.split("$")[2] ?? "", "-stdin"],
        { input: PASSWORD },
      );
      expect(hash).toBe(stdout);
      // By standard input: sudo writes each command down.
      const places = "/etc /boot /run/netplan /var/lib/cloud /var/log";
      const traces = await ssh(`sudo grep -rlsF -f - ${places} || :`, "never joined");
      expect(traces).toBe("");
    });

    test("shows all its host keys, and the boot partition holds none of them any more", async () => {
      const records = await home.read(".imcloud/known_hosts");
      const { stdout } = await execa("ssh-keyscan", [
        ...["-T", "60", "-t", "ed25519,ecdsa,rsa", "-p", String(board.port), board.address],
      ]);
      const shown = stdout.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
      expect(shown).toHaveLength(3);
      for (const line of shown) expect(records.split("\n")).toContain(line);
      expect(
        await ssh(
          "sudo grep -rlE 'PRIVATE KEY|psk|passw' /boot/firmware --include='*' -s --exclude='*.img' --exclude='initramfs*' || :",
        ),
      ).toBe("");
      expect(await ssh("cat /proc/cmdline")).not.toContain("systemd.run");
      expect(await ssh("ls /boot/firmware")).not.toMatch(/firstrun|network-config/);
    });

    test("is the same board after the next boot", { timeout: BOOT_MS }, async () => {
      if (!isLong) return;
      const before = await ssh("cat /proc/sys/kernel/random/boot_id");
      await board.cutPower();
      await board.switchOn();
      const now = () => ssh("cat /proc/sys/kernel/random/boot_id").catch(() => before);
      await expect.poll(now, { timeout: BOOT_MS, interval: 5_000 }).not.toBe(before);
      expect(await ssh("hostname; id -un; sudo -n id -un")).toBe("pi-07\nada\nroot");
    });
  });
}
