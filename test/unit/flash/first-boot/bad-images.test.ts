/** What people want of a board's first boot that its image cannot do. */
import { refuseImpossible } from "../../../../src/flash/first-boot/abilities.js";
import { decideFormat } from "../../../../src/flash/first-boot/customise.js";
import { evidenceOf } from "../../../../src/flash/first-boot/image.js";
import { Secret } from "../../../../src/shared/secret.js";
import { BOOKWORM, BUSTER, JAMMY, TRIXIE } from "./card.js";
import { testAll, type Case } from "./refused.js";
import { seed, WIFI } from "./seeds.js";

const image = (osRelease: string) => evidenceOf(new Map([["/usr/lib/os-release", osRelease]]));

const CASES: readonly Case[] = [
  [
    "an image that says nothing",
    () => decideFormat({}, undefined, image(BOOKWORM)),
    [
      "error[flash.format-unknown]: nothing in the image says how it takes first-boot settings",
      "  found     Debian GNU/Linux 12 (bookworm)",
      "hint: say it with `--format` if you know it, or leave out the settings",
    ],
  ],
  [
    "an image that contradicts its entry",
    () => decideFormat({ catalogued: "systemd" }, "cloudinit-rpi", image(TRIXIE)),
    [
      "error[flash.format-unknown]: the image shows another first-boot format than its catalogue entry",
      "  found     cloudinit-rpi, by what is installed in Debian GNU/Linux 13 (trixie)",
      "  expected  systemd",
      "hint: say which it is: `--format cloudinit-rpi` or `--format systemd`",
    ],
  ],
  [
    "settings for no format",
    () => decideFormat({ named: "none" }, "systemd", image(BOOKWORM)),
    [
      "error[flash.format-unknown]: `none` takes no first-boot settings",
      "  found     settings to be written",
      "hint: leave out the settings: only the image is written then",
    ],
  ],
  [
    "a yescrypt hash for buster",
    () =>
      refuseImpossible(
        seed({ user: { ...seed().user, passwordHash: new Secret("$y$j9T$abc$def") } }),
        "systemd",
        image(BUSTER),
      ),
    [
      "error[flash.setting-refused]: `password` cannot be had with the first-boot format `systemd`",
      "  found     a yescrypt hash, which Raspbian GNU/Linux 10 (buster) does not know",
      "hint: make one with `openssl passwd -6`, or give the password itself",
    ],
  ],
  [
    "WPA3 for Ubuntu 22.04",
    () =>
      refuseImpossible(
        seed({ wifi: { ...WIFI, key: { kind: "wpa3", passphrase: new Secret("x") } } }),
        "cloudinit",
        image(JAMMY),
      ),
    [
      "error[flash.setting-refused]: `wifi.security` cannot be had with the first-boot format `cloudinit`",
      "  found     wpa3, which netplan of Ubuntu 22.04.5 LTS does not know",
      "hint: choose wpa2, which mixed networks take too, or a newer image",
    ],
  ],
  [
    "a network's name that is no text, for cloud-init",
    () =>
      refuseImpossible(
        seed({ wifi: { ...WIFI, ssid: Buffer.from("ff00", "hex") } }),
        "cloudinit",
        image(JAMMY),
      ),
    [
      "error[flash.setting-refused]: `wifi.ssidHex` cannot be had with the first-boot format `cloudinit`",
      "  found     ff00, which is no text",
      "hint: this format knows names in UTF-8 alone: rename the network, or use an image with another format",
    ],
  ],
  [
    "a fixed address for custom.toml",
    () =>
      refuseImpossible(
        seed({ ethernet: { address: "10.0.0.2/24", dns: [] } }),
        "custom.toml",
        image(BOOKWORM),
      ),
    [
      "error[flash.setting-refused]: `ethernet` cannot be had with the first-boot format `custom.toml`",
      "  found     10.0.0.2/24",
      "hint: take an image with another format, or leave it to `imcloud apply`",
    ],
  ],
  [
    "sudo without a password for custom.toml",
    () => refuseImpossible(seed(), "custom.toml", image(BOOKWORM)),
    [
      "error[flash.setting-refused]: `sudo` cannot be had with the first-boot format `custom.toml`",
      "  found     nopasswd",
      "hint: give the account a password: this format has no rule for sudo",
    ],
  ],
];

testAll(CASES);
