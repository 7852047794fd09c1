/**
 * What each format's own reader makes of what is written: dash, YAML as cloud-init reads it, TOML whole and restricted.
 *
 * cloud-init and netplan themselves read it in `test/e2e/first-boot-readers.test.ts`; a board that boots by them is
 * `test/fault/flashed-board.test.ts`. `custom.toml` and `rpi-preseed.toml` have no reader to be had: what is here was
 * written from their documentation and their makers' sources.
 */
import { spawnSync } from "node:child_process";
import { execa } from "execa";
import fc from "fast-check";
import { parse as parseToml } from "smol-toml";
import { describe, expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { withArguments, withSetting } from "../../../../src/flash/first-boot/boot-files.js";
import { cloudInitFiles } from "../../../../src/flash/first-boot/cloud-init.js";
import { answers, evidenceOf } from "../../../../src/flash/first-boot/image.js";
import { passwordHash } from "../../../../src/flash/first-boot/password.js";
import type { Seed, WifiNetwork } from "../../../../src/flash/first-boot/seed.js";
import { firstRunScript } from "../../../../src/flash/first-boot/systemd.js";
import { customToml, rpiPreseedToml, tomlString } from "../../../../src/flash/first-boot/toml.js";
import {
  networkManagerWifi,
  pskOf,
  wifiKey,
  wpaSupplicantConf,
} from "../../../../src/flash/first-boot/wifi.js";
import { Secret } from "../../../../src/shared/secret.js";
import { fullSeed, HASH, seed, WIFI } from "./seeds.js";

const has = (program: string): boolean => spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
const text = (content: Secret | string | undefined): string =>
  content instanceof Secret ? content.reveal() : (content ?? "");

const anyText = fc.string({ unit: "grapheme" }).filter((word) => !word.includes("\0"));
const nastyText = fc.oneof(
  anyText,
  fc.constantFrom(
    "no",
    "1:30",
    "012",
    "~",
    "'",
    '"',
    "\\",
    "$(id)",
    "`id`",
    "a\nb",
    "# x",
    "- y",
    "{{ z }}",
    "\u2028",
    "\u0085",
  ),
);
const anySsid = fc.uint8Array({ minLength: 1, maxLength: 32 }).map((octets) => Buffer.from(octets));

const FULL: Seed = await fullSeed({ locale: "de_DE.UTF-8", keyboard: "de" });

describe("the script of the format `systemd`", () => {
  test("whatever the settings hold, dash reads it back, and runs none of it", async () => {
    await fc.assert(
      fc.asyncProperty(nastyText, nastyText, async (one, other) => {
        const script = text(
          await firstRunScript(seed({ user: { ...seed().user, keys: [one] }, timezone: other })),
        );
        const settings = script.slice(0, script.indexOf("# What imcloud has"));
        const { stdout } = await execa("dash", [
          "-c",
          `${settings}\nprintf '%s|%s|' "$authorized_keys" "$timezone"`,
        ]);
        expect(stdout).toBe(`${one}|${other}|`);
      }),
      { numRuns: 60 },
    );
  });

  test("shellcheck finds nothing in it with all settings", async () => {
    const script = text(await firstRunScript(FULL));
    // Settings that a board does not need are there, and not used.
    await execa("shellcheck", ["--severity=warning", "--exclude=SC2034", "-"], { input: script });
  });
});

describe("cloud-init's files", () => {
  test("whatever the settings hold, YAML 1.1 has it back", () => {
    fc.assert(
      fc.property(nastyText, nastyText, (one, other) => {
        const files = cloudInitFiles(
          seed({ user: { ...seed().user, keys: [one] }, hostname: other }),
          "cloudinit",
        );
        const read = (name: string): unknown => parseYaml(text(files.get(name)), { version: "1.1" });
        expect(read("user-data")).toMatchObject({ hostname: other, users: [{ ssh_authorized_keys: [one] }] });
        expect(read("meta-data")).toEqual({ "instance-id": "imcloud-1", "local-hostname": other });
      }),
    );
  });

  test("the order is that of their weight: without meta-data there is no first boot", () => {
    expect([...cloudInitFiles(FULL, "cloudinit").keys()]).toEqual([
      "user-data",
      "network-config",
      "meta-data",
    ]);
  });

  test("an account is as asked for, and nothing is left to the image's own", () => {
    const plain = parseYaml(
      text(
        cloudInitFiles(seed({ user: { ...seed().user, sudo: "password" } }), "cloudinit").get("user-data"),
      ),
    ) as {
      users: readonly object[];
    };
    expect(plain.users).toHaveLength(1);
    expect(plain.users[0]).not.toHaveProperty("sudo");
    expect(plain.users[0]).toMatchObject({ lock_passwd: true });
  });
});

describe("the formats in TOML", () => {
  const { ethernet: _ethernet, locale: _locale, ...told } = FULL;
  test("a basic string is read back, whatever it holds", () => {
    fc.assert(
      fc.property(nastyText, (word) => {
        expect(parseToml(`x = ${tomlString(word)}`)).toEqual({ x: word });
      }),
    );
  });

  test("custom.toml has what init_config reads, and nothing else", () => {
    const CustomToml = z.strictObject({
      config_version: z.literal(1),
      system: z.strictObject({ hostname: z.string() }),
      user: z.strictObject({ name: z.string(), password: z.string(), password_encrypted: z.literal(true) }),
      ssh: z.strictObject({
        enabled: z.literal(true),
        password_authentication: z.boolean(),
        authorized_keys: z.array(z.string()),
      }),
      wlan: z.strictObject({
        ssid: z.string(),
        password: z.string().length(64),
        password_encrypted: z.literal(true),
        hidden: z.boolean(),
        country: z.string().length(2),
      }),
      locale: z.strictObject({ keymap: z.string(), timezone: z.string() }),
    });
    expect(CustomToml.parse(parseToml(text(customToml(told))))).toMatchObject({
      system: { hostname: "pi-07" },
      user: { password: HASH },
      wlan: { ssid: `caf\u00e9 "'\\`, hidden: true },
    });
    expect(parseToml(text(customToml(seed())))).not.toHaveProperty("wlan");
  });

  test("rpi-preseed.toml keeps to the subset that its reader knows", () => {
    const lines = text(rpiPreseedToml(told)).trimEnd().split("\n");
    const string = String.raw`"(?:[^"\\\x00-\x1f]|\\["\\])*"`;
    const line = new RegExp(
      String.raw`^(?:|\[[a-z]+\]|[a-z_]+ = (?:${string}|true|false|\[(?:${string}(?:, )?)*\]))$`,
    );
    expect(lines.filter((one) => !line.test(one))).toEqual([]);
    expect(lines[0]).toBe('config_version = "1.0"');
    expect(lines).toContain(String.raw`ssid = "caf` + "\u00e9" + String.raw` \"'\\"`);
    expect(lines).toContain("passwordless_sudo = true");
  });

  test("octets that are no text go to rpi-preseed as digits", () => {
    expect(text(rpiPreseedToml(seed({ wifi: { ...WIFI, ssid: Buffer.from("ff00", "hex") } })))).toContain(
      'ssid_hex = "ff00"',
    );
  });
});

describe("a radio network", () => {
  test("its key is that of the standard's test vectors", () => {
    // IEEE 802.11-2020, J.4.2.
    expect(pskOf("password", Buffer.from("IEEE"))).toBe(
      "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e",
    );
    expect(pskOf("ThisIsAPassword", Buffer.from("ThisIsASSID"))).toBe(
      "0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af",
    );
  });

  test("line ends that came along when it was pasted do not count; the pass phrase stays here", () => {
    const key = wifiKey(Buffer.from("IEEE"), "wpa2", new Secret("password\r\n"), "wifi_password");
    expect(key).toEqual({ kind: "wpa2", psk: new Secret(pskOf("password", Buffer.from("IEEE"))) });
    const whole: WifiNetwork = { ...WIFI, key };
    for (const file of [wpaSupplicantConf(whole), networkManagerWifi(whole)])
      expect(text(file)).not.toContain("password");
  });

  test("every name is written so that no octet of it can be taken for something else", () => {
    fc.assert(
      fc.property(anySsid, (ssid) => {
        const hex = /^\tssid=([0-9a-f]+)$/m.exec(text(wpaSupplicantConf({ ...WIFI, ssid })))?.[1];
        expect(Buffer.from(hex ?? "", "hex").equals(ssid)).toBe(true);
        const list = /^ssid=((?:\d+;)+)$/m.exec(text(networkManagerWifi({ ...WIFI, ssid })))?.[1];
        expect(Buffer.from((list ?? "").split(";").slice(0, -1).map(Number)).equals(ssid)).toBe(true);
      }),
    );
  });

  test("WPA3 gets the pass phrase, an open network none", () => {
    const wpa3 = { ...WIFI, key: wifiKey(WIFI.ssid, "wpa3", new Secret(' a"b\\c d'), "x") };
    expect(text(wpaSupplicantConf(wpa3))).toContain(
      '\tkey_mgmt=SAE\n\tsae_password=" a"b\\c d"\n\tieee80211w=2\n',
    );
    expect(text(networkManagerWifi(wpa3))).toContain('key-mgmt=sae\npsk=\\sa"b\\\\c d\n');
    const open = { ...WIFI, key: wifiKey(WIFI.ssid, "open", undefined, "x") };
    expect(text(wpaSupplicantConf(open))).toContain("\tkey_mgmt=NONE\n");
    expect(text(networkManagerWifi(open))).not.toContain("[wifi-security]");
  });
});

describe("a password", () => {
  test.runIf(has("openssl"))("becomes the hash that the system makes of it", async () => {
    const hash = text(passwordHash(new Secret("h\u00e4llo w\u00f6rld'\"\n"), "pw"));
    const salt = hash.split("$")[2] ?? "";
    const { stdout } = await execa("openssl", ["passwd", "-6", "-salt", salt, "-stdin"], {
      input: "h\u00e4llo w\u00f6rld'\"",
    });
    expect(hash).toBe(stdout);
  });

  test("a hash stays what it is", () => {
    expect(text(passwordHash(new Secret(`${HASH}\r\n`), "pw"))).toBe(HASH);
  });
});

describe("cmdline.txt and config.txt", () => {
  test("what is there stays where it is; nothing is there twice; it is one line", () => {
    const once = withArguments(
      "console=tty1  root=/dev/x usb-storage.quirks=152d:0578:u,1234:0000:x quiet\n",
      ["cgroup_enable=memory", "usb-storage.quirks=152d:0578:us", "cfg80211.ieee80211_regdom=DE"],
    );
    expect(once).toBe(
      "console=tty1 root=/dev/x usb-storage.quirks=1234:0000:x,152d:0578:us quiet cgroup_enable=memory cfg80211.ieee80211_regdom=DE\n",
    );
    expect(withArguments(once, ["cgroup_enable=memory", "cfg80211.ieee80211_regdom=GB"])).toBe(
      once.replace("=DE", "=GB"),
    );
    expect(withArguments("a=1 cgroup_enable=cpuset", ["cgroup_enable=memory"])).toBe(
      "a=1 cgroup_enable=cpuset cgroup_enable=memory\n",
    );
  });

  test("a setting is put where it holds for every model, once", () => {
    const once = withSetting("[pi4]\narm_boost=1", "dtparam=watchdog=on");
    expect(once).toBe("[pi4]\narm_boost=1\n\n[all]\ndtparam=watchdog=on\n");
    expect(withSetting(once, "dtparam=watchdog=on")).toBe(once);
  });
});

test("debugfs' answers are told apart, also those that say that there is nothing", () => {
  const found = answers(
    'debugfs 1.47.0 (5-Feb-2023)\ndebugfs: cat /usr/lib/os-release\nPRETTY_NAME="Raspbian GNU/Linux 10 (buster)"\nID=raspbian\nVERSION_ID="10"\n' +
      "debugfs: cat /etc/fstab\nproc /proc proc defaults 0 0\nPARTUUID=1-01  /boot  vfat  defaults  0  2\n" +
      "debugfs: cat /var/lib/dpkg/info/cloud-init.list\n/var/lib/dpkg/info/cloud-init.list: File not found by ext2_lookup \n" +
      "debugfs: cat /var/lib/dpkg/info/raspberrypi-sys-mods.list\n/.\n",
  );
  expect(evidenceOf(found)).toEqual({
    release: "debian-10",
    prettyName: "Raspbian GNU/Linux 10 (buster)",
    packages: ["raspberrypi-sys-mods"],
    bootFolder: "/boot",
  });
});
