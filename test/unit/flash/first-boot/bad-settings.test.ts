/** What people get wrong about a board's first boot in imcloud.yaml. */
import { configOf, testAll, type Case } from "./refused.js";
import { KEY } from "./seeds.js";

const settings = (firstBoot: string) => () => configOf(firstBoot);

const CASES: readonly Case[] = [
  [
    "a network's name of 33 octets",
    settings(`{ wifi: { ssid: "${"ä".repeat(16)}x", country: DE } }`),
    [
      "error[config.invalid]: `firstBoot.wifi.ssid` is not what is allowed there",
      "  at        imcloud.yaml:4:28, firstBoot.wifi.ssid",
      '  found     "ääääääääääääääääx"',
      "  expected  1 to 32 bytes, as UTF-8",
      "hint: correct `firstBoot.wifi.ssid`",
    ],
  ],
  [
    "an empty network's name",
    settings('{ wifi: { ssid: "", country: DE } }'),
    [
      "error[config.invalid]: `firstBoot.wifi.ssid` is not what is allowed there",
      "  at        imcloud.yaml:4:28, firstBoot.wifi.ssid",
      '  found     ""',
      "  expected  1 to 32 bytes, as UTF-8",
      "hint: correct `firstBoot.wifi.ssid`",
    ],
  ],
  [
    "octets of an odd number of digits",
    settings("{ wifi: { ssidHex: abc, country: DE } }"),
    [
      "error[config.invalid]: `firstBoot.wifi.ssidHex` is not what is allowed there",
      "  at        imcloud.yaml:4:31, firstBoot.wifi.ssidHex",
      '  found     "abc"',
      "  expected  2 to 64 hexadecimal digits, two for each byte",
      "hint: correct `firstBoot.wifi.ssidHex`",
    ],
  ],
  [
    "33 octets in digits",
    settings(`{ wifi: { ssidHex: ${"ab".repeat(33)}, country: DE } }`),
    [
      "error[config.invalid]: `firstBoot.wifi.ssidHex` is not what is allowed there",
      "  at        imcloud.yaml:4:31, firstBoot.wifi.ssidHex",
      '  found     "ababababababababababababababababababababababababababababababababab"',
      "  expected  2 to 64 hexadecimal digits, two for each byte",
      "hint: correct `firstBoot.wifi.ssidHex`",
    ],
  ],
  [
    "a name twice over",
    settings("{ wifi: { ssid: home, ssidHex: abcd, country: DE } }"),
    [
      "error[config.invalid]: `firstBoot.wifi.ssid` is not what is allowed there",
      "  at        imcloud.yaml:4:28, firstBoot.wifi.ssid",
      '  found     "home"',
      "  expected  either `ssid` or `ssidHex`",
      "hint: correct `firstBoot.wifi.ssid`",
    ],
  ],
  [
    "a radio without a name",
    settings("{ wifi: { country: DE } }"),
    [
      "error[config.invalid]: `firstBoot.wifi.ssid` is missing",
      "  at        imcloud.yaml:4:20, firstBoot.wifi.ssid",
      "  expected  either `ssid` or `ssidHex`",
      "hint: add `ssid:`",
    ],
  ],
  [
    "a radio without a country",
    settings("{ wifi: { ssid: home } }"),
    [
      "error[config.invalid]: `firstBoot.wifi.country` is missing",
      "  at        imcloud.yaml:4:20, firstBoot.wifi.country",
      "  expected  a country of two capital letters, such as `DE`: without it the radio stays off",
      "hint: add `country:`",
    ],
  ],
  [
    "a country by its name",
    settings("{ wifi: { ssid: home, country: Germany } }"),
    [
      "error[config.invalid]: `firstBoot.wifi.country` is not what is allowed there",
      "  at        imcloud.yaml:4:43, firstBoot.wifi.country",
      '  found     "Germany"',
      "  expected  a country of two capital letters, such as `DE`: without it the radio stays off",
      "hint: correct `firstBoot.wifi.country`",
    ],
  ],
  [
    "a country in small letters",
    settings("{ wifi: { ssid: home, country: de } }"),
    [
      "error[config.invalid]: `firstBoot.wifi.country` is not what is allowed there",
      "  at        imcloud.yaml:4:43, firstBoot.wifi.country",
      '  found     "de"',
      "  expected  a country of two capital letters, such as `DE`: without it the radio stays off",
      "hint: correct `firstBoot.wifi.country`",
    ],
  ],
  [
    "security of the last century",
    settings("{ wifi: { ssid: home, country: DE, security: wep } }"),
    [
      "error[config.invalid]: `firstBoot.wifi.security` is not what is allowed there",
      "  at        imcloud.yaml:4:57, firstBoot.wifi.security",
      '  found     "wep"',
      "  expected  one of wpa2, wpa3, open",
      "hint: correct `firstBoot.wifi.security`",
    ],
  ],
  [
    "a password where a secret's name belongs",
    settings('{ wifi: { ssid: home, country: DE, password: "Pass 1!" } }'),
    [
      "error[config.invalid]: `firstBoot.wifi.password` is not what is allowed there",
      "  at        imcloud.yaml:4:57, firstBoot.wifi.password",
      "  found     text",
      "  expected  the name of a secret: lower-case letters, digits and `_`",
      "hint: correct `firstBoot.wifi.password`",
    ],
  ],
  [
    "a host name with an underscore",
    settings("{ hostname: pi_07 }"),
    [
      "error[config.invalid]: `firstBoot.hostname` is not what is allowed there",
      "  at        imcloud.yaml:4:24, firstBoot.hostname",
      '  found     "pi_07"',
      "  expected  letters, digits and hyphens, at most 63, no hyphen at either end",
      "hint: correct `firstBoot.hostname`",
    ],
  ],
  [
    "a host name that ends with a hyphen",
    settings("{ hostname: pi- }"),
    [
      "error[config.invalid]: `firstBoot.hostname` is not what is allowed there",
      "  at        imcloud.yaml:4:24, firstBoot.hostname",
      '  found     "pi-"',
      "  expected  letters, digits and hyphens, at most 63, no hyphen at either end",
      "hint: correct `firstBoot.hostname`",
    ],
  ],
  [
    "a host name of 64 letters",
    settings(`{ hostname: ${"a".repeat(64)} }`),
    [
      "error[config.invalid]: `firstBoot.hostname` is not what is allowed there",
      "  at        imcloud.yaml:4:24, firstBoot.hostname",
      '  found     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"',
      "  expected  letters, digits and hyphens, at most 63, no hyphen at either end",
      "hint: correct `firstBoot.hostname`",
    ],
  ],
  [
    "a host name of digits alone",
    settings('{ hostname: "2024" }'),
    [
      "error[config.invalid]: `firstBoot.hostname` is not what is allowed there",
      "  at        imcloud.yaml:4:24, firstBoot.hostname",
      '  found     "2024"',
      "  expected  a host name with a letter in it",
      "hint: correct `firstBoot.hostname`",
    ],
  ],
  [
    "a host name with its domain",
    settings("{ hostname: pi.local }"),
    [
      "error[config.invalid]: `firstBoot.hostname` is not what is allowed there",
      "  at        imcloud.yaml:4:24, firstBoot.hostname",
      '  found     "pi.local"',
      "  expected  letters, digits and hyphens, at most 63, no hyphen at either end",
      "hint: correct `firstBoot.hostname`",
    ],
  ],
  [
    "a user in capitals",
    settings("{ user: Ada }"),
    [
      "error[config.invalid]: `firstBoot.user` is not what is allowed there",
      "  at        imcloud.yaml:4:20, firstBoot.user",
      '  found     "Ada"',
      "  expected  a lower-case letter or `_`, then at most 31 lower-case letters, digits, `_` or `-`",
      "hint: correct `firstBoot.user`",
    ],
  ],
  [
    "a user that begins with a digit",
    settings("{ user: 1st }"),
    [
      "error[config.invalid]: `firstBoot.user` is not what is allowed there",
      "  at        imcloud.yaml:4:20, firstBoot.user",
      '  found     "1st"',
      "  expected  a lower-case letter or `_`, then at most 31 lower-case letters, digits, `_` or `-`",
      "hint: correct `firstBoot.user`",
    ],
  ],
  [
    "a user of 33 letters",
    settings(`{ user: ${"a".repeat(33)} }`),
    [
      "error[config.invalid]: `firstBoot.user` is not what is allowed there",
      "  at        imcloud.yaml:4:20, firstBoot.user",
      '  found     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"',
      "  expected  a lower-case letter or `_`, then at most 31 lower-case letters, digits, `_` or `-`",
      "hint: correct `firstBoot.user`",
    ],
  ],
  [
    "root",
    settings("{ user: root }"),
    [
      "error[config.invalid]: `firstBoot.user` is not what is allowed there",
      "  at        imcloud.yaml:4:20, firstBoot.user",
      '  found     "root"',
      "  expected  a name that the system does not use itself",
      "hint: correct `firstBoot.user`",
    ],
  ],
  [
    "a user with a space",
    settings('{ user: "ada l" }'),
    [
      "error[config.invalid]: `firstBoot.user` is not what is allowed there",
      "  at        imcloud.yaml:4:20, firstBoot.user",
      '  found     "ada l"',
      "  expected  a lower-case letter or `_`, then at most 31 lower-case letters, digits, `_` or `-`",
      "hint: correct `firstBoot.user`",
    ],
  ],
  [
    "a private key",
    settings('{ keys: ["-----BEGIN OPENSSH PRIVATE KEY-----"] }'),
    [
      "error[config.invalid]: `firstBoot.keys[0]` is not what is allowed there",
      "  at        imcloud.yaml:4:21, firstBoot.keys[0]",
      '  found     "-----BEGIN OPENSSH PRIVATE KEY-----"',
      "  expected  one line of a public key file: type, base64, comment",
      "hint: correct `firstBoot.keys[0]`",
    ],
  ],
  [
    "a key with a command",
    settings(`{ keys: ['command="reboot" ${KEY}'] }`),
    [
      "error[config.invalid]: `firstBoot.keys[0]` is not what is allowed there",
      "  at        imcloud.yaml:4:21, firstBoot.keys[0]",
      '  found     "command=\\"reboot\\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF6Pq3mG0Nn4bZK3h6v4m1X…',
      "  expected  one line of a public key file: type, base64, comment",
      "hint: correct `firstBoot.keys[0]`",
    ],
  ],
  [
    "a key of DSA",
    settings(`{ keys: ["ssh-dss ${"A".repeat(80)}"] }`),
    [
      "error[config.invalid]: `firstBoot.keys[0]` is not what is allowed there",
      "  at        imcloud.yaml:4:21, firstBoot.keys[0]",
      '  found     "ssh-dss AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA…',
      "  expected  one line of a public key file: type, base64, comment",
      "hint: correct `firstBoot.keys[0]`",
    ],
  ],
  [
    "an address without its prefix",
    settings("{ ethernet: { address: 192.168.1.40 } }"),
    [
      "error[config.invalid]: `firstBoot.ethernet.address` is not what is allowed there",
      "  at        imcloud.yaml:4:35, firstBoot.ethernet.address",
      '  found     "192.168.1.40"',
      "  expected  an IPv4 address with its prefix length, such as `192.168.1.40/24`",
      "hint: correct `firstBoot.ethernet.address`",
    ],
  ],
  [
    "a prefix that leaves no room",
    settings("{ ethernet: { address: 192.168.1.40/32 } }"),
    [
      "error[config.invalid]: `firstBoot.ethernet.address` is not what is allowed there",
      "  at        imcloud.yaml:4:35, firstBoot.ethernet.address",
      '  found     "192.168.1.40/32"',
      "  expected  an IPv4 address with its prefix length, such as `192.168.1.40/24`",
      "hint: correct `firstBoot.ethernet.address`",
    ],
  ],
  [
    "a gateway elsewhere",
    settings("{ ethernet: { address: 192.168.1.40/24, gateway: 192.168.2.1 } }"),
    [
      "error[config.invalid]: `firstBoot.ethernet.gateway` is not what is allowed there",
      "  at        imcloud.yaml:4:61, firstBoot.ethernet.gateway",
      '  found     "192.168.2.1"',
      "  expected  an address of the same network",
      "hint: correct `firstBoot.ethernet.gateway`",
    ],
  ],
  [
    "a locale of another encoding",
    settings("{ locale: de_DE.ISO-8859-1 }"),
    [
      "error[config.invalid]: `firstBoot.locale` is not what is allowed there",
      "  at        imcloud.yaml:4:22, firstBoot.locale",
      '  found     "de_DE.ISO-8859-1"',
      "  expected  a locale in UTF-8, such as `en_GB.UTF-8`",
      "hint: correct `firstBoot.locale`",
    ],
  ],
  [
    "a time zone as an offset",
    settings('{ timezone: "+01:00" }'),
    [
      "error[config.invalid]: `firstBoot.timezone` is not what is allowed there",
      "  at        imcloud.yaml:4:24, firstBoot.timezone",
      '  found     "+01:00"',
      "  expected  a time zone by its place, such as `Europe/Berlin`",
      "hint: correct `firstBoot.timezone`",
    ],
  ],
  [
    "a keyboard by its language",
    settings("{ keyboard: german }"),
    [
      "error[config.invalid]: `firstBoot.keyboard` is not what is allowed there",
      "  at        imcloud.yaml:4:24, firstBoot.keyboard",
      '  found     "german"',
      "  expected  a keyboard layout of two or three letters, such as `de` or `gb`",
      "hint: correct `firstBoot.keyboard`",
    ],
  ],
  [
    "an adapter without flags",
    settings('{ usbQuirks: ["152d:0578"] }'),
    [
      "error[config.invalid]: `firstBoot.usbQuirks[0]` is not what is allowed there",
      "  at        imcloud.yaml:4:26, firstBoot.usbQuirks[0]",
      '  found     "152d:0578"',
      "  expected  vendor, product and flags of a USB adapter, such as `152d:0578:u`",
      "hint: correct `firstBoot.usbQuirks[0]`",
    ],
  ],
  [
    "an unknown format",
    settings("{ format: cloud-init }"),
    [
      "error[config.invalid]: `firstBoot.format` is not what is allowed there",
      "  at        imcloud.yaml:4:22, firstBoot.format",
      '  found     "cloud-init"',
      "  expected  one of systemd, cloudinit, cloudinit-rpi, rpi-preseed, custom.toml, none",
      "hint: did you mean `cloudinit`?",
    ],
  ],
  [
    "an unknown setting",
    settings("{ hostName: pi }"),
    [
      "error[config.invalid]: `firstBoot.hostName` is not a setting",
      "  at        imcloud.yaml:4:14, firstBoot.hostName",
      "  found     hostName",
      "  expected  one of format, hostname, user, password, keys, sudo, sshPasswords, wifi, ethernet, locale, timezone, keyboard, cgroupMemory, watchdog, usbQuirks",
      "hint: did you mean `hostname`?",
    ],
  ],
];

testAll(CASES);
