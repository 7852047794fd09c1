/**
 * A Raspberry Pi's image in miniature: the lab's own aarch64 image, laid out as the format at hand has it, and knowing
 * nobody: no host keys, no key that opens it. Made by debugfs and mtools, so that nothing is mounted.
 *
 * What is real: Debian 12's kernel, systemd, sshd, sudo, cloud-init and netplan. What is put there to look like
 * Raspberry Pi OS: the mark of raspberrypi-sys-mods, and its unit that makes host keys at the first boot.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { emulatedImage } from "../../src/lab/emulated-board.js";

export type MiniatureFormat = "systemd" | "cloudinit";

const MIB = 1024 * 1024;
/** As src/lab/emulated/image.ts has them. */
const BOOT_OFFSET = 4 * MIB;
const ROOT_OFFSET = 260 * MIB;

/** What the lab's image needs for the format, beyond itself. */
export const MINIATURE_PACKAGES: Readonly<Record<MiniatureFormat, readonly string[]>> = {
  systemd: [],
  // cloud-init sets a keyboard by what Ubuntu's images have for it.
  cloudinit: ["cloud-init", "netplan.io", "console-setup"],
};

const REGENERATE = `[Unit]
Description=Regenerate SSH host keys
Before=ssh.service
[Service]
Type=oneshot
ExecStart=/bin/sh -ec "rm -f /etc/ssh/ssh_host_*_key*; ssh-keygen -A; systemctl disable regenerate_ssh_host_keys"
[Install]
WantedBy=multi-user.target
`;
const UNITS = "/etc/systemd/system";

/** As Ubuntu's images for the Pi say where the seed is; the label is the lab's. */
const NOCLOUD = "datasource_list: [ NoCloud, None ]\ndatasource:\n  NoCloud:\n    fs_label: BOOTFS\n";

interface Layout {
  readonly removed: readonly string[];
  /** By their path. */
  readonly added: Readonly<Record<string, string>>;
  readonly links: Readonly<Record<string, string>>;
  readonly boot: Readonly<Record<string, string>>;
}

const LAYOUTS: Readonly<Record<MiniatureFormat, Layout>> = {
  systemd: {
    // Raspberry Pi OS comes with SSH switched off.
    removed: [`${UNITS}/multi-user.target.wants/ssh.service`, `${UNITS}/sshd.service`],
    added: {
      "/var/lib/dpkg/info/raspberrypi-sys-mods.list": "/.\n",
      [`${UNITS}/regenerate_ssh_host_keys.service`]: REGENERATE,
    },
    links: {
      [`${UNITS}/multi-user.target.wants/regenerate_ssh_host_keys.service`]: `${UNITS}/regenerate_ssh_host_keys.service`,
    },
    boot: {},
  },
  cloudinit: {
    removed: ["/etc/systemd/network/eth0.network"],
    added: { "/etc/cloud/cloud.cfg.d/99-seed.cfg": NOCLOUD },
    links: {},
    boot: {
      "user-data": "#cloud-config\n",
      "meta-data": "instance-id: sample\n",
      "network-config": "version: 2\n",
    },
  },
};

/**
 * @param folder where it goes; must be empty enough for 4 GB, of which 0.7 are used
 * @returns the image's path
 */
export async function miniature(folder: string, format: MiniatureFormat): Promise<string> {
  const image = join(folder, `${format}.img`);
  await execa("cp", [
    "--sparse=always",
    "--reflink=auto",
    await emulatedImage(MINIATURE_PACKAGES[format]),
    image,
  ]);
  const { removed, added, links, boot } = LAYOUTS[format];
  const kit = await mkdtemp(join(folder, "kit-"));
  const commands = [
    ...["/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_ed25519_key.pub"].map((path) => `rm ${path}`),
    ...["pi", "worker", "nosudo"].map((name) => `rm /home/${name}/.ssh/authorized_keys`),
    ...removed.map((path) => `rm ${path}`),
  ];
  for (const [index, [path, content]] of Object.entries(added).entries()) {
    await writeFile(join(kit, String(index)), content);
    commands.push(`write ${join(kit, String(index))} ${path}`);
  }
  commands.push(...Object.entries(links).map(([path, to]) => `symlink ${path} ${to}`));
  const { all } = await execa("debugfs", ["-w", "-f", "-", `${image}?offset=${ROOT_OFFSET}`], {
    all: true,
    input: `${commands.join("\n")}\n`,
  });
  const complaints = all
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("debugfs") && !line.startsWith("Allocated inode"));
  if (complaints.length > 0) throw new Error(`debugfs: ${complaints.join("\n")}`);
  for (const [name, input] of Object.entries(boot))
    await execa("mcopy", ["-o", "-i", `${image}@@${BOOT_OFFSET}`, "-", `::${name}`], {
      input,
      env: { MTOOLS_SKIP_CHECK: "1" },
    });
  await rm(kit, { recursive: true });
  return image;
}

/** @throws unless the card's file systems are clean, as the board found them or left them */
export async function checkCard(image: string, folder: string): Promise<void> {
  for (const [name, start, count, check] of [
    ["boot", BOOT_OFFSET, 256 * MIB, ["fsck.vfat", "-n"]],
    ["root", ROOT_OFFSET, undefined, ["e2fsck", "-fn"]],
  ] as const) {
    const part = join(folder, `${name}.part`);
    const size = count === undefined ? [] : [`count=${count / MIB}`];
    await execa("dd", [`if=${image}`, `of=${part}`, "bs=1M", "conv=sparse", `skip=${start / MIB}`, ...size]);
    await execa(check[0], [check[1], part]);
    await rm(part);
  }
}
