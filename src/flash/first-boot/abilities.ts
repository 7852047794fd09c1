/**
 * What a format, in the image at hand, can be told. What it cannot is refused before anything is written: a board
 * that came up without what was asked for would be found out one by one.
 */
import type { FirstBootFormat } from "../../config/first-boot.js";
import { ImcloudError } from "../../shared/errors.js";
import type { ImageEvidence } from "./image.js";
import { isYescrypt } from "./password.js";
import type { Seed } from "./seed.js";

/** Whose libcrypt has no yescrypt. */
const BEFORE_YESCRYPT = ["ubuntu-18.04", "debian-10", "ubuntu-20.04"];
/** Whose netplan has no `sae`: it came with 0.107 (tried: 0.106 refuses the whole file). */
const BEFORE_SAE = ["ubuntu-18.04", "ubuntu-20.04", "ubuntu-22.04", "debian-12"];

/** @throws ImcloudError `flash.setting-refused` for the first setting that would be lost */
export function refuseImpossible(seed: Seed, format: FirstBootFormat, image: ImageEvidence): void {
  const isToml = format === "custom.toml" || format === "rpi-preseed";
  const { wifi, user } = seed;
  const name = image.prettyName === "" ? "this image" : image.prettyName;

  if (
    user.passwordHash !== undefined &&
    isYescrypt(user.passwordHash) &&
    BEFORE_YESCRYPT.includes(image.release)
  )
    throw refused(
      "password",
      format,
      `a yescrypt hash, which ${name} does not know`,
      "make one with `openssl passwd -6`, or give the password itself",
    );
  if (isToml) refuseForToml(seed, format);
  if (wifi === undefined) return;
  const isYaml = format === "cloudinit" || format === "cloudinit-rpi";
  if (isYaml && wifi.key.kind === "wpa3" && BEFORE_SAE.includes(image.release))
    throw refused(
      "wifi.security",
      format,
      `wpa3, which netplan of ${name} does not know`,
      "choose wpa2, which mixed networks take too, or a newer image",
    );
  if ((isYaml || format === "custom.toml") && !isText(wifi.ssid))
    throw refused(
      "wifi.ssidHex",
      format,
      `${wifi.ssid.toString("hex")}, which is no text`,
      "this format knows names in UTF-8 alone: rename the network, or use an image with another format",
    );
}

function refuseForToml(seed: Seed, format: FirstBootFormat): void {
  const other = "take an image with another format, or leave it to `imcloud apply`";
  if (seed.ethernet !== undefined) throw refused("ethernet", format, seed.ethernet.address, other);
  if (seed.locale !== undefined) throw refused("locale", format, seed.locale, other);
  if (seed.wifi?.key.kind === "wpa3")
    throw refused("wifi.security", format, "wpa3", "choose wpa2, which mixed networks take too");
  if (format === "custom.toml" && seed.user.sudo === "nopasswd" && seed.user.passwordHash === undefined)
    throw refused(
      "sudo",
      format,
      "nopasswd",
      "give the account a password: this format has no rule for sudo",
    );
}

/** Text, and none of it a control character. */
function isText(ssid: Buffer): boolean {
  const text = ssid.toString("utf8");
  return Buffer.from(text).equals(ssid) && !/[\x00-\x1f\x7f-\x9f]/.test(text);
}

function refused(setting: string, format: FirstBootFormat, found: string, hint: string): ImcloudError {
  return new ImcloudError(
    "flash.setting-refused",
    `\`${setting}\` cannot be had with the first-boot format \`${format}\``,
    {
      found,
      hint,
    },
  );
}
