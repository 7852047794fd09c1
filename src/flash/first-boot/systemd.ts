/**
 * The `systemd` format, of Raspberry Pi OS from buster to the first trixie: a script on the boot partition that the
 * kernel's command line has systemd run, once.
 *
 * On bookworm the partition is mounted at /boot/firmware. An initramfs script there rewrites a command line that
 * names /boot/firstrun.sh, and cuts that script at its end; one that names the real place is left alone.
 *
 * Sources: systemd-run-generator(8), raspberrypi-sys-mods (`imager_fixup`, `firstboot`, `regenerate_ssh_host_keys`).
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { quote } from "../../board/script.js";
import type { EthernetSettings } from "../../config/first-boot.js";
import { packageRoot } from "../../shared/package-root.js";
import { Secret } from "../../shared/secret.js";
import type { Seed } from "./seed.js";
import { networkManagerWifi, wpaSupplicantConf } from "./wifi.js";

export const FIRST_RUN = "firstrun.sh";

/**
 * What the kernel is told, at the end of its command line.
 *
 * @param mountedAt where the system mounts the boot partition
 */
export function firstRunArguments(mountedAt: string): readonly string[] {
  return [
    `systemd.run=${mountedAt}/${FIRST_RUN}`,
    "systemd.run_success_action=reboot",
    // Not the default, which is to switch the board off.
    "systemd.run_failure_action=reboot",
    "systemd.unit=kernel-command-line.target",
  ];
}

/** The settings, then the text that is the same for all boards. */
export async function firstRunScript(seed: Seed): Promise<Secret> {
  const body = await readFile(join(packageRoot(), "templates", "boot", FIRST_RUN), "utf8");
  const [first = "", ...rest] = body.split("\n");
  return new Secret([first, assignments(seed), ...rest].join("\n"));
}

function assignments(seed: Seed): string {
  const { user, wifi, ethernet } = seed;
  const values: readonly (readonly [name: string, value: string])[] = [
    ["hostname", seed.hostname],
    ["user", user.name],
    ["password_hash", user.passwordHash?.reveal() ?? ""],
    ["authorized_keys", user.keys.join("\n")],
    ["sudo", user.sudo],
    ["ssh_passwords", seed.sshPasswords ? "yes" : "no"],
    ["host_key_kinds", seed.hostKeys.map(({ kind }) => kind).join(" ")],
    ...seed.hostKeys.flatMap((key): readonly (readonly [string, string])[] => [
      [`host_key_${key.kind}`, key.private.reveal()],
      [`host_key_${key.kind}_pub`, key.public],
    ]),
    ["wifi_networkmanager", wifi === undefined ? "" : networkManagerWifi(wifi).reveal()],
    ["wifi_wpa_supplicant", wifi === undefined ? "" : wpaSupplicantConf(wifi).reveal()],
    ["ethernet_networkmanager", ethernet === undefined ? "" : networkManagerEthernet(ethernet)],
    ["ethernet_dhcpcd", ethernet === undefined ? "" : dhcpcdEthernet(ethernet)],
    ["ethernet_networkd", ethernet === undefined ? "" : networkdEthernet(ethernet)],
    ["timezone", seed.timezone ?? ""],
    ["locale", seed.locale ?? ""],
    ["keyboard", seed.keyboard ?? ""],
  ];
  return values.map(([name, value]) => `${name}=${quote(value)}`).join("\n");
}

/** Whoever gives no name server means the router. */
const serversOf = ({ dns, gateway }: EthernetSettings): readonly string[] =>
  dns.length > 0 || gateway === undefined ? dns : [gateway];

/** Source: systemd.network(5). */
export function networkdEthernet(ethernet: EthernetSettings): string {
  return [
    ...["[Match]", "Name=eth0", "", "[Network]", `Address=${ethernet.address}`],
    ...(ethernet.gateway === undefined ? [] : [`Gateway=${ethernet.gateway}`]),
    ...serversOf(ethernet).map((server) => `DNS=${server}`),
    "",
  ].join("\n");
}

/** Source: nm-settings-keyfile(5). */
export function networkManagerEthernet(ethernet: EthernetSettings): string {
  const { address, gateway } = ethernet;
  return [
    ...[
      "[connection]",
      "id=imcloud-eth0",
      "type=ethernet",
      "interface-name=eth0",
      "autoconnect-priority=10",
      "",
    ],
    ...["[ipv4]", "method=manual", `address1=${address}${gateway === undefined ? "" : `,${gateway}`}`],
    ...(serversOf(ethernet).length > 0 ? [`dns=${serversOf(ethernet).join(";")};`] : []),
    ...["", "[ipv6]", "method=auto", ""],
  ].join("\n");
}

/** Source: dhcpcd.conf(5). */
export function dhcpcdEthernet(ethernet: EthernetSettings): string {
  return [
    ...["# imcloud: begin", "interface eth0", `static ip_address=${ethernet.address}`],
    ...(ethernet.gateway === undefined ? [] : [`static routers=${ethernet.gateway}`]),
    ...(serversOf(ethernet).length > 0
      ? [`static domain_name_servers=${serversOf(ethernet).join(" ")}`]
      : []),
    ...["# imcloud: end", ""],
  ].join("\n");
}
