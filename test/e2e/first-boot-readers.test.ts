/**
 * What a card tells a board of its first boot, read by cloud-init, netplan and NetworkManager themselves: on a virtual board, as they
 * come with Debian 12. A board that boots by them from its card is `test/fault/flashed-board.test.ts`.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { cloudInitFiles, networkConfig } from "../../src/flash/first-boot/cloud-init.js";
import type { Seed, WifiNetwork } from "../../src/flash/first-boot/seed.js";
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { networkManagerWifi, wifiKey } from "../../src/flash/first-boot/wifi.js";
import { Secret } from "../../src/shared/secret.js";
import { fullSeed, HASH, KEY, WIFI } from "../unit/flash/first-boot/seeds.js";

const PSK = "ab".repeat(32);

let board: VirtualBoard;
let told: Seed;
beforeAll(async () => {
  board = await virtualBoard("blank", { packages: ["cloud-init", "netplan.io", "libnm0", "libreadline8"] });
  told = await fullSeed({ locale: "C.UTF-8" });
});
afterAll(() => board[Symbol.asyncDispose]());

const textOf = (content: Secret | string | undefined): string =>
  content instanceof Secret ? content.reveal() : (content ?? "");

async function write(path: string, content: string): Promise<void> {
  const base64 = Buffer.from(content).toString("base64");
  await board.sh(`mkdir -p "$(dirname ${path})"; umask 077; echo ${base64} | base64 -d > ${path}`);
}

test.each(["cloudinit", "cloudinit-rpi"] as const)(
  "cloud-init's own check of %s finds nothing",
  async (format) => {
    await write("/root/user-data", textOf(cloudInitFiles(told, format).get("user-data")));
    expect(await board.sh("cloud-init schema --config-file /root/user-data 2>&1")).toMatch(/^Valid /m);
    // The proof that it looks.
    await write("/root/user-data", "#cloud-config\nruncmd: 7\n");
    expect(await board.sh("cloud-init schema --config-file /root/user-data 2>&1 || echo refused")).toContain(
      "refused",
    );
  },
);

test("netplan makes of network-config what was meant", async () => {
  // As cloud-init hands it on: below one key.
  const network = parse(textOf(networkConfig(told))) as object;
  await write("/root/net/etc/netplan/50-cloud-init.yaml", stringify({ network }));
  await board.sh("netplan generate --root-dir /root/net");
  const wpa = await board.sh("cat /root/net/run/netplan/wpa*");
  expect(wpa).toContain(`ssid="caf\u00e9 "'\\"`);
  expect(wpa).toContain(`psk=${PSK}`);
  expect(wpa).toContain("scan_ssid=1");
  const cable = await board.sh("cat /root/net/run/systemd/network/10-netplan-eth0.network");
  expect(cable).toContain("Address=192.168.1.40/24");
  expect(cable).toContain("Gateway=192.168.1.1");
  expect(cable).toContain("DNS=9.9.9.9\nDNS=1.1.1.1");
});

test("NetworkManager understands a network's name and key", async () => {
  // Unpacked, not installed: it would take the lab's cable over.
  await board.sh(
    "cd /root && apt-get -qq update && apt-get -qq download network-manager 2>&1 && dpkg -x network-manager_*.deb nm",
  );
  const understood = async (wifi: WifiNetwork) => {
    await write("/root/wifi", textOf(networkManagerWifi(wifi)));
    return board.sh("/root/nm/usr/bin/nmcli --offline connection modify connection.id read < /root/wifi");
  };
  const home = await understood(WIFI);
  expect(home).toContain("ssid=home\n");
  expect(home).toContain(`psk=${PSK}\n`);
  // What looks like a list of octets is a name all the same.
  expect(await understood({ ...WIFI, ssid: Buffer.from("49;50;") })).toContain("ssid=49\\\\;50\\\\;\n");
  const wpa3 = { ...WIFI, key: wifiKey(WIFI.ssid, "wpa3", new Secret(' a"b\\c d'), "wifi") };
  expect(await understood(wpa3)).toContain('key-mgmt=sae\npsk=\\sa"b\\\\c d\n');
});

test("cloud-init makes the board what the card says, and leaves nothing secret on it", async () => {
  for (const [name, content] of cloudInitFiles(told, "cloudinit")) {
    await write(`/boot/firmware/${name}`, textOf(content));
    if (name !== "network-config") await write(`/var/lib/cloud/seed/nocloud/${name}`, textOf(content));
  }
  // The board's cable is the lab's.
  await write(
    "/etc/cloud/cloud.cfg.d/90-lab.cfg",
    "datasource_list: [NoCloud]\nnetwork: {config: disabled}\n",
  );
  await board.sh(
    "cloud-init init --local && cloud-init init && cloud-init modules --mode=config && cloud-init modules --mode=final",
  );
  const [ed25519] = told.hostKeys;
  expect(
    await board.sh("hostname; cat /etc/timezone; cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub"),
  ).toBe(["pi-07", "Europe/Berlin", ed25519?.public.split(" ").slice(0, 2).join(" ")].join("\n"));
  expect(await board.sh("grep ^ada: /etc/shadow | cut -d : -f 2; sudo -l -U ada | tail -n 1 | xargs")).toBe(
    [HASH, "(ALL) NOPASSWD: ALL"].join("\n"),
  );
  expect(await board.sh("cat ~ada/.ssh/authorized_keys")).toContain(KEY);
  expect(await board.sh("cat /boot/firmware/user-data; ls /boot/firmware")).toBe(
    [
      "#cloud-config",
      "# Done at the first boot; what it said is not kept here.",
      "meta-data",
      "user-data",
    ].join("\n"),
  );
});
