/**
 * The `cloudinit` format of Ubuntu Server, and `cloudinit-rpi` of Raspberry Pi OS since late 2025: three files on the
 * boot partition, in YAML.
 *
 * Every text is written in double quotes: cloud-init reads YAML 1.1, where `no` is false and `1:30` a number.
 *
 * cloud-init reads the partition at every boot, so what is secret goes from it at the end of the first one. What
 * stays is an empty `user-data` under the same instance id: cloud-init takes that for a boot like any other.
 *
 * Sources: cloud-init's reference of modules (users and groups, ssh, set hostname, runcmd), its NoCloud data source,
 * netplan's YAML reference; rpi-imager on `ds=nocloud` and on `user` against `users`.
 */
import { stringify } from "yaml";
import type { FirstBootFormat } from "../../config/first-boot.js";
import { Secret } from "../../shared/secret.js";
import type { Seed, WifiKey } from "./seed.js";

export type CloudInitFormat = Extract<FirstBootFormat, "cloudinit" | "cloudinit-rpi">;

/** Of the account that Ubuntu's images make by themselves, as far as every release has them. */
const UBUNTU_GROUPS = ["adm", "audio", "cdrom", "dialout", "netdev", "plugdev", "sudo", "video"];

/** In the order in which they are written: without `meta-data` there is no first boot. */
export function cloudInitFiles(seed: Seed, format: CloudInitFormat): ReadonlyMap<string, Secret | string> {
  return new Map<string, Secret | string>([
    ["user-data", userData(seed, format)],
    ["network-config", networkConfig(seed)],
    ["meta-data", metaData(seed)],
  ]);
}

/** Without it Raspberry Pi OS takes every boot for the first. */
export function cloudInitArguments({ instanceId }: Seed, format: CloudInitFormat): readonly string[] {
  return format === "cloudinit-rpi" ? [`ds=nocloud;i=${instanceId}`] : [];
}

/** The name is here too: when `user-data` is empty, later boots still agree on it. */
function metaData({ instanceId, hostname }: Seed): string {
  return render({ "instance-id": instanceId, "local-hostname": hostname });
}

function userData(seed: Seed, format: CloudInitFormat): Secret {
  const { hostKeys, locale, timezone, keyboard } = seed;
  const config = {
    hostname: seed.hostname,
    manage_etc_hosts: "localhost",
    ...(format === "cloudinit" ? { users: [account(seed, format)] } : { user: account(seed, format) }),
    ssh_pwauth: seed.sshPasswords,
    disable_root: true,
    ...(hostKeys.length > 0 && {
      ssh_deletekeys: true,
      ssh_keys: Object.fromEntries(
        hostKeys.flatMap((key) => [
          [`${key.kind}_private`, key.private.reveal()],
          [`${key.kind}_public`, key.public],
        ]),
      ),
    }),
    ...(locale !== undefined && { locale }),
    ...(timezone !== undefined && { timezone }),
    ...(keyboard !== undefined && { keyboard: { layout: keyboard } }),
    runcmd: [["sh", "-c", FORGET]],
  };
  return new Secret(`#cloud-config\n${render(config)}`);
}

/**
 * Ubuntu makes the accounts of `users`. Raspberry Pi OS wants `user`, which keeps the groups of its own account, and
 * also that account's rule for sudo unless told otherwise.
 */
function account({ user }: Seed, format: CloudInitFormat): object {
  const { name, keys, passwordHash, sudo } = user;
  return {
    name,
    shell: "/bin/bash",
    ...(format === "cloudinit" && { groups: UBUNTU_GROUPS }),
    lock_passwd: passwordHash === undefined,
    ...(passwordHash !== undefined && { passwd: passwordHash.reveal() }),
    ssh_authorized_keys: keys,
    ...(sudo === "nopasswd"
      ? { sudo: "ALL=(ALL) NOPASSWD:ALL" }
      : format === "cloudinit-rpi" && { sudo: null }),
  };
}

/** Takes from the boot partition what only the first boot needed. The rest of it is not secret. */
const FORGET = [
  "for folder in /boot/firmware /boot; do",
  '[ -f "$folder/meta-data" ] || continue;',
  `printf '%s\\n' '#cloud-config' '# Done at the first boot; what it said is not kept here.' >"$folder/user-data";`,
  'rm -f "$folder/network-config";',
  "done; sync",
].join(" ");

/** Netplan, version 2. The interface by its name: whatever board the card is put into, it is its only cable. */
export function networkConfig({ ethernet, wifi }: Seed): Secret {
  const servers =
    ethernet === undefined
      ? []
      : ethernet.dns.length > 0
        ? ethernet.dns
        : [ethernet.gateway].flatMap((one) => one ?? []);
  const eth0 =
    ethernet === undefined
      ? { dhcp4: true, optional: true }
      : {
          dhcp4: false,
          optional: true,
          addresses: [ethernet.address],
          // `gateway4` is what every netplan since 18.04 knows: `to: default` came with 20.04's.
          ...(ethernet.gateway !== undefined && { routes: [{ to: "0.0.0.0/0", via: ethernet.gateway }] }),
          ...(servers.length > 0 && { nameservers: { addresses: servers } }),
        };
  return new Secret(
    render({
      version: 2,
      ethernets: { eth0 },
      ...(wifi !== undefined && {
        wifis: {
          wlan0: {
            dhcp4: true,
            optional: true,
            "access-points": {
              [wifi.ssid.toString("utf8")]: {
                ...(wifi.hidden && { hidden: true }),
                ...accessPoint(wifi.key),
              },
            },
          },
        },
      }),
    }),
  );
}

function accessPoint(key: WifiKey): object {
  if (key.kind === "open") return {};
  if (key.kind === "wpa2") return { password: key.psk.reveal() };
  return { auth: { "key-management": "sae", password: key.passphrase.reveal() } };
}

function render(value: object): string {
  return stringify(value, {
    defaultStringType: "QUOTE_DOUBLE",
    defaultKeyType: "QUOTE_DOUBLE",
    lineWidth: 0,
    version: "1.1",
  });
}
