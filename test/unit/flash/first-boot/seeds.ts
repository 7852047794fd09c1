/** What a card may be told, for tests. */
import { makeKeyPair } from "../../../../src/board/ssh-keys.js";
import type { HostKeyPair, Seed, WifiNetwork } from "../../../../src/flash/first-boot/seed.js";
import { Secret } from "../../../../src/shared/secret.js";

export const HASH = `$6$saltsalt$${"a".repeat(86)}`;
export const KEY =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF6Pq3mG0Nn4bZK3h6v4m1Xw0V5m0mQz6lYqVt3o9Y8a ada@laptop";

export const WIFI: WifiNetwork = {
  ssid: Buffer.from("home"),
  country: "DE",
  hidden: false,
  key: { kind: "wpa2", psk: new Secret("ab".repeat(32)) },
};

export function seed(changes: Partial<Seed> = {}): Seed {
  return {
    instanceId: "imcloud-1",
    hostname: "pi-07",
    user: { name: "ada", keys: [KEY], sudo: "nopasswd" },
    sshPasswords: false,
    hostKeys: [],
    cgroupMemory: true,
    watchdog: true,
    usbQuirks: [],
    ...changes,
  };
}

/** With nearly all that a card may be told. */
export async function fullSeed(changes: Partial<Seed> = {}): Promise<Seed> {
  return seed({
    user: { ...seed().user, passwordHash: new Secret(HASH) },
    hostKeys: [await hostKey("ed25519"), await hostKey("ecdsa")],
    wifi: { ...WIFI, ssid: Buffer.from(`caf\u00e9 "'\\`), hidden: true },
    ethernet: { address: "192.168.1.40/24", gateway: "192.168.1.1", dns: ["9.9.9.9", "1.1.1.1"] },
    timezone: "Europe/Berlin",
    ...changes,
  });
}

export async function hostKey(kind: HostKeyPair["kind"] = "ed25519"): Promise<HostKeyPair> {
  const pair = await makeKeyPair("test", kind);
  return { kind, private: new Secret(pair.private), public: pair.public };
}
