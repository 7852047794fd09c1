/** What of a board's first boot is found wrong once its secrets and its login are known. */
import type { BoardConfig } from "../../../../src/config/load.js";
import { seedOf } from "../../../../src/fleet/first-boot.js";
import { workspaceAt } from "../../../../src/fleet/workspace.js";
import { Secret } from "../../../../src/shared/secret.js";
import { configOf, testAll, type Case } from "./refused.js";
import { KEY } from "./seeds.js";

const seeding =
  (firstBoot: string, secrets: Readonly<Record<string, string>> = {}) =>
  () => {
    const [board] = configOf(firstBoot).boards as readonly [BoardConfig];
    const given = new Map(Object.entries(secrets).map(([name, text]) => [name, new Secret(text)] as const));
    return seedOf(
      board,
      {
        get: (name) => given.get(name),
        all: () => given,
        require: (name) => given.get(name) ?? new Secret(""),
      },
      workspaceAt("/nowhere"),
    );
  };
const KEYS = `keys: ["${KEY}"]`;
const RADIO = "wifi: { ssid: home, country: DE }";

const CASES: readonly Case[] = [
  [
    "a pass phrase of 7 characters",
    seeding(`{ ${KEYS}, ${RADIO} }`, { wifi_password: "1234567" }),
    [
      "error[flash.setting-refused]: the secret `wifi_password` is no password of a Wi-Fi network",
      "  found     7 characters",
      "  expected  8 to 63 characters, or 64 hexadecimal digits",
      "hint: correct the secret `wifi_password`",
    ],
  ],
  [
    "a pass phrase of 64 characters that are no digits",
    seeding(`{ ${KEYS}, ${RADIO} }`, { wifi_password: "x".repeat(64) }),
    [
      "error[flash.setting-refused]: the secret `wifi_password` is no password of a Wi-Fi network",
      "  found     64 characters",
      "  expected  8 to 63 characters, or 64 hexadecimal digits",
      "hint: correct the secret `wifi_password`",
    ],
  ],
  [
    "a pass phrase with an umlaut",
    seeding(`{ ${KEYS}, ${RADIO} }`, { wifi_password: "größenwahn" }),
    [
      "error[flash.setting-refused]: the secret `wifi_password` is no password of a Wi-Fi network",
      "  found     a character that is not ASCII",
      "  expected  printable ASCII characters",
      "hint: change the password of the network",
    ],
  ],
  [
    "nothing but a line end",
    seeding(`{ ${KEYS}, ${RADIO} }`, { wifi_password: "\r\n" }),
    [
      "error[flash.setting-refused]: the secret `wifi_password` is no password of a Wi-Fi network",
      "  found     nothing",
      "  expected  8 to 63 characters, or 64 hexadecimal digits",
      "hint: correct the secret `wifi_password`",
    ],
  ],
  [
    "a key where WPA3 wants the pass phrase",
    seeding(`{ ${KEYS}, wifi: { ssid: home, country: DE, security: wpa3 } }`, {
      wifi_password: "ab".repeat(32),
    }),
    [
      "error[flash.setting-refused]: the secret `wifi_password` is no password of a Wi-Fi network",
      "  found     64 hexadecimal digits, which WPA3 cannot use",
      "  expected  the pass phrase itself",
      "hint: give the pass phrase, or `security: wpa2`",
    ],
  ],
  [
    "another account than the one to log in with",
    () => seedOfUser(),
    [
      "error[config.invalid]: the account that the board makes is not the one to log in with",
      "  at        imcloud.yaml:3:11, boards.attic",
      "  found     `firstBoot.user` ada, `user` grace",
      "  expected  the same name",
      "hint: remove one of the two",
    ],
  ],
  [
    "a password with a control character",
    seeding(`{ ${KEYS}, password: pw }`, { pw: "a\tb" }),
    [
      "error[flash.setting-refused]: the secret `pw` is no password of an account",
      "  found     a control character",
      "  expected  characters that can be typed at a login",
      "hint: correct the secret `pw`",
    ],
  ],
  [
    "an empty password",
    seeding(`{ ${KEYS}, password: pw }`, { pw: "\n" }),
    [
      "error[flash.setting-refused]: the secret `pw` is no password of an account",
      "  found     nothing",
      "  expected  a password",
      "hint: correct the secret `pw`",
    ],
  ],
  [
    "a hash that is cut off",
    seeding(`{ ${KEYS}, password: pw }`, { pw: "$6$salt$abc" }),
    [
      "error[flash.setting-refused]: the secret `pw` is no password of an account",
      "  found     a hash that is cut off, or of a kind that is not taken",
      "  expected  a whole hash that begins with `$6$`, `$5$` or `$y$`",
      "hint: correct the secret `pw`",
    ],
  ],
  [
    "a hash of MD5",
    seeding(`{ ${KEYS}, password: pw }`, { pw: "$1$salt$qJH7.N4xYta3aEG/dfqo/0" }),
    [
      "error[flash.setting-refused]: the secret `pw` is no password of an account",
      "  found     a hash that is cut off, or of a kind that is not taken",
      "  expected  a whole hash that begins with `$6$`, `$5$` or `$y$`",
      "hint: correct the secret `pw`",
    ],
  ],
  [
    "sudo by a password that is not there",
    seeding(`{ ${KEYS}, sudo: password }`),
    [
      "error[flash.setting-refused]: `sudo` would ask for a password that the account does not have",
      "  at        imcloud.yaml:3:11, boards.attic",
      "  found     `sudo: password` without `password`",
      "  expected  a password, or `sudo: nopasswd`",
      "hint: name the secret that is the password with `firstBoot.password`",
    ],
  ],
];

function seedOfUser() {
  const [board] = configOf(`{ ${KEYS}, user: ada }`).boards as readonly [BoardConfig];
  return seedOf(
    { ...board, user: "grace" },
    { get: () => undefined, all: () => [], require: () => new Secret("") },
    workspaceAt("/nowhere"),
  );
}

testAll(CASES);
