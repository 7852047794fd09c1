/**
 * The key of a radio network, and the files in which the systems keep it.
 *
 * Sources: IEEE 802.11-2020 annex J.4 (the pass phrase mapping), wpa_supplicant.conf(5), NetworkManager's
 * nm-settings-keyfile(5).
 */
import { pbkdf2Sync } from "node:crypto";
import { ImcloudError } from "../../shared/errors.js";
import { Secret } from "../../shared/secret.js";
import type { WifiKey, WifiNetwork } from "./seed.js";

const ROUNDS = 4096;
const KEY_BYTES = 32;

/**
 * Makes of what an operator typed what a radio needs.
 *
 * @param typed a pass phrase, or for WPA2 the key itself; line ends that came along when it was pasted do not count
 * @param secret the secret's name, for the error
 * @throws ImcloudError `flash.setting-refused` unless it is 8 to 63 printable ASCII characters, or 64 hexadecimal digits
 */
export function wifiKey(
  ssid: Buffer,
  security: "wpa2" | "wpa3" | "open",
  typed: Secret | undefined,
  secret: string,
): WifiKey {
  if (security === "open") return { kind: "open" };
  const text = (typed?.reveal() ?? "").replaceAll(/[\r\n]/g, "");
  if (/^[0-9a-fA-F]{64}$/.test(text)) {
    if (security === "wpa2") return { kind: "wpa2", psk: new Secret(text.toLowerCase()) };
    throw wrong(
      secret,
      "64 hexadecimal digits, which WPA3 cannot use",
      "the pass phrase itself",
      "give the pass phrase, or `security: wpa2`",
    );
  }
  if (text.length < 8 || text.length > 63) {
    const found = text === "" ? "nothing" : `${text.length} characters`;
    throw wrong(
      secret,
      found,
      "8 to 63 characters, or 64 hexadecimal digits",
      `correct the secret \`${secret}\``,
    );
  }
  // The standard allows nothing else, and radios differ in what they make of the rest.
  if (!/^[\x20-\x7e]+$/.test(text))
    throw wrong(
      secret,
      "a character that is not ASCII",
      "printable ASCII characters",
      "change the password of the network",
    );
  return security === "wpa3"
    ? { kind: "wpa3", passphrase: new Secret(text) }
    : { kind: "wpa2", psk: new Secret(pskOf(text, ssid)) };
}

/** @returns 64 hexadecimal digits */
export function pskOf(passphrase: string, ssid: Buffer): string {
  return pbkdf2Sync(passphrase, ssid, ROUNDS, KEY_BYTES, "sha1").toString("hex");
}

/** For Raspberry Pi OS until bullseye. The name goes in as hexadecimal digits, so that every octet is what it is. */
export function wpaSupplicantConf({ ssid, country, hidden, key }: WifiNetwork): Secret {
  return new Secret(
    [
      `country=${country}`,
      "ctrl_interface=DIR=/var/run/wpa_supplicant GROUP=netdev",
      "update_config=1",
      "network={",
      `\tssid=${ssid.toString("hex")}`,
      ...(hidden ? ["\tscan_ssid=1"] : []),
      ...wpaKeyLines(key),
      "}",
      "",
    ].join("\n"),
  );
}

function wpaKeyLines(key: WifiKey): readonly string[] {
  if (key.kind === "open") return ["\tkey_mgmt=NONE"];
  if (key.kind === "wpa2") return ["\tkey_mgmt=WPA-PSK", `\tpsk=${key.psk.reveal()}`];
  // What is between the first and the last quote counts as it stands.
  return ["\tkey_mgmt=SAE", `\tsae_password="${key.passphrase.reveal()}"`, "\tieee80211w=2"];
}

/** For NetworkManager. Octets as numbers: a name that looks like such a list would be taken for one. */
export function networkManagerWifi({ ssid, hidden, key }: WifiNetwork): Secret {
  return new Secret(
    [
      ...["[connection]", "id=imcloud-wifi", "type=wifi", "", "[wifi]", "mode=infrastructure"],
      `ssid=${[...ssid].map((octet) => `${octet};`).join("")}`,
      `hidden=${hidden}`,
      ...nmKeyLines(key),
      ...["", "[ipv4]", "method=auto", "", "[ipv6]", "method=auto", "addr-gen-mode=default", ""],
    ].join("\n"),
  );
}

function nmKeyLines(key: WifiKey): readonly string[] {
  if (key.kind === "open") return [];
  if (key.kind === "wpa2") return ["", "[wifi-security]", "key-mgmt=wpa-psk", `psk=${key.psk.reveal()}`];
  return ["", "[wifi-security]", "key-mgmt=sae", `psk=${keyfileValue(key.passphrase.reveal())}`];
}

/** A keyfile drops blanks at the start of a value and takes backslashes for escapes. */
function keyfileValue(text: string): string {
  return text.replaceAll("\\", "\\\\").replace(/^ +/, (blanks) => "\\s".repeat(blanks.length));
}

function wrong(secret: string, found: string, expected: string, hint: string): ImcloudError {
  return new ImcloudError(
    "flash.setting-refused",
    `the secret \`${secret}\` is no password of a Wi-Fi network`,
    {
      found,
      expected,
      hint,
    },
  );
}
