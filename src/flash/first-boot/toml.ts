/**
 * The formats in TOML: `custom.toml`, which bookworm's raspberrypi-sys-mods read, and `rpi-preseed.toml`.
 *
 * Neither can be given host keys, a fixed address or a rule for sudo beyond what is here: what they cannot say is
 * refused before anything is written (`abilities.ts`).
 *
 * Sources: raspberrypi-sys-mods' `init_config`, rpi-imager's `generateRpiPreseedToml`; TOML 1.0.
 */
import { Secret } from "../../shared/secret.js";
import type { Seed, WifiNetwork } from "./seed.js";

type Value = string | number | boolean | readonly string[] | undefined;
type Section = Readonly<Record<string, Value>>;

/** What every image that reads it takes: the whole of TOML. */
export function customToml(seed: Seed): Secret {
  const { user } = seed;
  return render(
    { config_version: 1 },
    {
      system: { hostname: seed.hostname },
      user: { name: user.name, password: user.passwordHash?.reveal() ?? "!", password_encrypted: true },
      ssh: { enabled: true, password_authentication: seed.sshPasswords, authorized_keys: user.keys },
      ...(seed.wifi !== undefined && { wlan: { ssid: seed.wifi.ssid.toString("utf8"), ...wlan(seed.wifi) } }),
      ...locale(seed),
    },
  );
}

/** Its reader undoes `\\` and `\"` and nothing else, and knows no text over several lines. */
export function rpiPreseedToml(seed: Seed): Secret {
  const { user, wifi } = seed;
  const name = wifi?.ssid.toString("utf8") ?? "";
  const isText = wifi !== undefined && isPlain(name) && Buffer.from(name).equals(wifi.ssid);
  return render(
    { config_version: "1.0" },
    {
      system: { hostname: seed.hostname },
      user: {
        name: user.name,
        ...(user.passwordHash !== undefined && {
          password: user.passwordHash.reveal(),
          password_encrypted: true,
        }),
        groups: ["sudo"],
        ...(user.sudo === "nopasswd" && { passwordless_sudo: true }),
      },
      ssh: { enabled: true, password_authentication: seed.sshPasswords, authorized_keys: user.keys },
      ...(wifi !== undefined && {
        wlan: { ...(isText ? { ssid: name } : { ssid_hex: wifi.ssid.toString("hex") }), ...wlan(wifi) },
      }),
      ...locale(seed),
    },
  );
}

function wlan({ key, hidden, country }: WifiNetwork): Section {
  return {
    ...(key.kind === "wpa2" && { password: key.psk.reveal(), password_encrypted: true }),
    hidden,
    country,
  };
}

function locale({ keyboard, timezone }: Seed): Readonly<Record<string, Section>> {
  return keyboard === undefined && timezone === undefined ? {} : { locale: { keymap: keyboard, timezone } };
}

/** No control characters: they are what the restricted reader could not be told. */
const isPlain = (text: string): boolean => !/[\x00-\x1f\x7f]/.test(text);

function render(head: Section, sections: Readonly<Record<string, Section>>): Secret {
  const blocks = Object.entries(sections).map(([name, section]) =>
    [`[${name}]`, ...linesOf(section)].join("\n"),
  );
  return new Secret(`${[linesOf(head).join("\n"), ...blocks].join("\n\n")}\n`);
}

function linesOf(section: Section): string[] {
  return Object.entries(section).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} = ${valueOf(value)}`],
  );
}

function valueOf(value: Exclude<Value, undefined>): string {
  if (typeof value === "string") return tomlString(value);
  if (typeof value === "object") return `[${value.map(tomlString).join(", ")}]`;
  return String(value);
}

/** A basic string. Of control characters only what the settings let through could be left: none. */
export function tomlString(text: string): string {
  const escaped = text.replaceAll(/["\\]/g, "\\$&");
  return `"${escaped.replaceAll(/[\x00-\x1f\x7f]/g, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`;
}
