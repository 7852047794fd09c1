/** What people get wrong in imcloud.yaml about boards, groups, playbooks and variables, and what imcloud says. */
import { testAll, type Case } from "./refused.js";

const GOOD = "version: 1\ncloud: { name: home }\nboards: { attic: }\n";
const NAME = "lower-case letters, digits and hyphens, at most 63 (it becomes a host name)";
const BOARD_KEYS =
  "address, port, user, transport, identityFile, jump, hostKey, tags, playbooks, vars, groups, firstBoot";
const FINGERPRINT = "a fingerprint as `ssh-keygen -lf` prints it: `SHA256:` and 43 characters";

const CASES: readonly Case[] = [
  [
    "no board",
    "version: 1\ncloud: { name: home }\nboards: {}",
    ["`boards` is not what is allowed there", "3:9, boards", "{}", "at least one board", "correct `boards`"],
  ],
  [
    "boards as a list",
    "version: 1\ncloud: { name: home }\nboards: [attic]",
    [
      "`boards` is not what is allowed there",
      "3:9, boards",
      '["attic"]',
      "a mapping (`name: value` lines)",
      "correct `boards`",
    ],
  ],
  [
    "a board's name in capitals",
    "version: 1\ncloud: { name: home }\nboards:\n  Attic:\n",
    ["`Attic` is not a name that `boards` can hold", "4:3, boards.Attic", "Attic", NAME, "change the name"],
  ],
  [
    "a board that is text",
    "version: 1\ncloud: { name: home }\nboards: { attic: 192.168.1.23 }",
    [
      "`boards.attic` is not what is allowed there",
      "3:18, boards.attic",
      '"192.168.1.23"',
      "a mapping (`key: value` lines)",
      "correct `boards.attic`",
    ],
  ],
  [
    "a mistyped setting",
    "version: 1\ncloud: { name: home }\nboards:\n  attic:\n    adress: 192.168.1.23\n",
    [
      "`boards.attic.adress` is not a setting",
      "5:5, boards.attic.adress",
      "adress",
      `one of ${BOARD_KEYS}`,
      "did you mean `address`?",
    ],
  ],
  [
    "snake case",
    "version: 1\ncloud: { name: home }\nboards: { attic: { identity_file: x } }",
    [
      "`boards.attic.identity_file` is not a setting",
      "3:20, boards.attic.identity_file",
      "identity_file",
      `one of ${BOARD_KEYS}`,
      "did you mean `identityFile`?",
    ],
  ],
  [
    "a port too high",
    "version: 1\ncloud: { name: home }\nboards: { attic: { port: 99999 } }",
    [
      "`boards.attic.port` is not what is allowed there",
      "3:26, boards.attic.port",
      "99999",
      "a port from 1 to 65535",
      "correct `boards.attic.port`",
    ],
  ],
  [
    "a port that is text",
    "version: 1\ncloud: { name: home }\nboards: { attic: { port: ssh } }",
    [
      "`boards.attic.port` is not what is allowed there",
      "3:26, boards.attic.port",
      '"ssh"',
      "a port from 1 to 65535",
      "correct `boards.attic.port`",
    ],
  ],
  [
    "a port left empty",
    "version: 1\ncloud: { name: home }\nboards:\n  attic:\n    port:\n",
    [
      "`boards.attic.port` is not what is allowed there",
      "5:5, boards.attic.port",
      "null",
      "a port from 1 to 65535",
      "correct `boards.attic.port`",
    ],
  ],
  [
    "an unknown transport",
    "version: 1\ncloud: { name: home }\nboards: { attic: { transport: telnet } }",
    [
      "`boards.attic.transport` is not what is allowed there",
      "3:31, boards.attic.transport",
      '"telnet"',
      "one of ssh, local",
      "correct `boards.attic.transport`",
    ],
  ],
  [
    "an MD5 fingerprint",
    "version: 1\ncloud: { name: home }\nboards: { attic: { hostKey: 'MD5:aa:bb' } }",
    [
      "`boards.attic.hostKey` is not what is allowed there",
      "3:29, boards.attic.hostKey",
      '"MD5:aa:bb"',
      FINGERPRINT,
      "correct `boards.attic.hostKey`",
    ],
  ],
  [
    "a tag with its mark",
    "version: 1\ncloud: { name: home }\nboards: { attic: { tags: ['@ssd'] } }",
    [
      "`boards.attic.tags[0]` is not what is allowed there",
      "3:27, boards.attic.tags[0]",
      '"@ssd"',
      "letters, digits, `_`, `.` and `-`, without the `@`",
      "correct `boards.attic.tags[0]`",
    ],
  ],
  [
    "tags that are text",
    "version: 1\ncloud: { name: home }\nboards: { attic: { tags: ssd } }",
    [
      "`boards.attic.tags` is not what is allowed there",
      "3:26, boards.attic.tags",
      '"ssd"',
      "a list of tags",
      "correct `boards.attic.tags`",
    ],
  ],
  [
    "a group of nobody",
    `${GOOD}groups: { classroom: { boards: [atic] } }`,
    [
      "group `classroom` names a board that does not exist",
      "4:33, groups.classroom.boards[0]",
      "atic",
      "one of attic",
      "did you mean `attic`?",
    ],
  ],
  [
    "a group with a board's name",
    `${GOOD}groups: { attic: { boards: [attic] } }`,
    [
      "`attic` is the name of a board and of a group",
      "4:11, groups.attic",
      "attic",
      "a name that no board has",
      "rename one of the two: `--on` must know which one is meant",
    ],
  ],
  [
    "playbooks as text",
    `${GOOD}playbooks: base`,
    [
      "`playbooks` is not what is allowed there",
      "4:12, playbooks",
      '"base"',
      "a list of playbook names",
      "correct `playbooks`",
    ],
  ],
  [
    "a secret in the wrong file",
    `${GOOD}secrets: { admin_password: hunter2 }`,
    [
      "`secrets.admin_password` is not what is allowed there",
      "4:28, secrets.admin_password",
      "text",
      "`{ command: [program, argument, ...] }` or `{ env: NAME }`",
      "correct `secrets.admin_password`",
    ],
  ],
  [
    "a secret's name in capitals",
    `${GOOD}secrets: { ADMIN: { env: X } }`,
    [
      "`ADMIN` is not a name that `secrets` can hold",
      "4:12, secrets.ADMIN",
      "ADMIN",
      "lower-case letters, digits and `_`",
      "change the name",
    ],
  ],
  [
    "a variable with a hyphen",
    `${GOOD}vars: { a-b: 1 }`,
    [
      "`a-b` is not a name that `vars` can hold",
      "4:9, vars.a-b",
      "a-b",
      "a name of letters, digits and `_`",
      "change the name",
    ],
  ],
  [
    "the first of two mistakes is reported",
    "version: 1\ncloud: { name: home }\nboards:\n  attic: { prot: 22 }\n  cellar: { port: 0 }",
    [
      "`boards.attic.prot` is not a setting",
      "4:12, boards.attic.prot",
      "prot",
      `one of ${BOARD_KEYS}`,
      "did you mean `port`?",
    ],
  ],
];

testAll(CASES);
