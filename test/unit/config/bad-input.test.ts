/**
 * What people get wrong in imcloud.yaml, and what imcloud says: the whole message, and exit code 65.
 */
import { expect, test } from "vitest";
import { exitCodeOf, renderError } from "../../../src/cli/report-error.js";
import { readConfig } from "../../../src/config/load.js";
import { parseYaml } from "../../../src/config/yaml-file.js";
import { errorOf } from "./thrown.js";

const GOOD = "version: 1\ncloud: { name: home }\nboards: { attic: }\n";

const NAME = "lower-case letters, digits and hyphens, at most 63 (it becomes a host name)";
const BOARD_KEYS =
  "address, port, user, transport, identityFile, jump, hostKey, tags, playbooks, vars, groups, firstBoot";
const FINGERPRINT = "a fingerprint as `ssh-keygen -lf` prints it: `SHA256:` and 43 characters";

type Case = readonly [title: string, yaml: string, message: readonly string[]];

/** message, at, found, expected, hint; an empty one is not printed. */
const CASES: readonly Case[] = [
  [
    "an empty file",
    "",
    [
      "`imcloud.yaml` is not what is allowed there",
      "1:1",
      "null",
      "a mapping (`key: value` lines)",
      "correct `imcloud.yaml`",
    ],
  ],
  [
    "a list",
    "- attic",
    [
      "`imcloud.yaml` is not what is allowed there",
      "1:1",
      '["attic"]',
      "a mapping (`key: value` lines)",
      "correct `imcloud.yaml`",
    ],
  ],
  [
    "tabs",
    "cloud:\n\tname: home",
    [
      "`imcloud.yaml` is not well-formed YAML: tabs are not allowed as indentation",
      "2:1",
      "name: home",
      "",
      "indent with spaces",
    ],
  ],
  [
    "an open bracket",
    "boards: [attic",
    [
      "`imcloud.yaml` is not well-formed YAML: flow sequence in block collection must be sufficiently indented and end with a ]",
      "1:15",
      "boards: [attic",
      "",
      "indent the keys of one mapping by the same number of spaces",
    ],
  ],
  [
    "an open quote",
    'cloud: "home',
    [
      '`imcloud.yaml` is not well-formed YAML: missing closing "quote',
      "1:13",
      'cloud: "home',
      "",
      "add the missing character",
    ],
  ],
  [
    "the same key twice",
    "version: 1\nversion: 1",
    [
      "`imcloud.yaml` is not well-formed YAML: map keys must be unique",
      "2:1",
      "version: 1",
      "",
      "keep one of the two",
    ],
  ],
  [
    "two documents",
    "version: 1\n---\nversion: 1",
    [
      "`imcloud.yaml` is not well-formed YAML: source contains multiple documents; please use YAML.parseAllDocuments()",
      "2:1",
      "---",
      "",
      "remove the `---` between the two documents",
    ],
  ],
  [
    "an unknown alias",
    "cloud: *nowhere",
    [
      "`imcloud.yaml` is not well-formed YAML: unresolved alias (the anchor must be set before the alias): nowhere",
      "1:1",
      "cloud: *nowhere",
      "",
      "name an anchor that stands before it",
    ],
  ],
  [
    "an unknown YAML tag",
    "cloud: !secret x",
    [
      "`imcloud.yaml` is not well-formed YAML: unresolved tag: !secret",
      "1:8",
      "cloud: !secret x",
      "",
      "check quotes, colons and indentation around this line",
    ],
  ],
  [
    "no version",
    "cloud: { name: home }\nboards: { attic: }",
    ["`version` is missing", "1:1, version", "", "1", "add `version:`"],
  ],
  [
    "a version of the future",
    "version: 2\ncloud: { name: home }\nboards: { attic: }",
    ["`version` is not what is allowed there", "1:10, version", "2", "1", "correct `version`"],
  ],
  [
    "a version in quotes",
    "version: '1'\ncloud: { name: home }\nboards: { attic: }",
    ["`version` is not what is allowed there", "1:10, version", '"1"', "1", "correct `version`"],
  ],
  [
    "no cloud",
    "version: 1\nboards: { attic: }",
    ["`cloud` is missing", "1:1, cloud", "", "a mapping (`key: value` lines)", "add `cloud:`"],
  ],
  [
    "a cloud without name",
    "version: 1\ncloud: {}\nboards: { attic: }",
    ["`cloud.name` is missing", "2:8, cloud.name", "", "a name", "add `name:`"],
  ],
  [
    "a name with a space",
    "version: 1\ncloud: { name: our home }\nboards: { attic: }",
    [
      "`cloud.name` is not what is allowed there",
      "2:16, cloud.name",
      '"our home"',
      NAME,
      "correct `cloud.name`",
    ],
  ],
  [
    "a name that is a number",
    "version: 1\ncloud: { name: 4 }\nboards: { attic: }",
    ["`cloud.name` is not what is allowed there", "2:16, cloud.name", "4", "a name", "correct `cloud.name`"],
  ],
  [
    "a server name in capitals",
    "version: 1\ncloud: { name: home, serverName: Home.Arpa }\nboards: { attic: }",
    [
      "`cloud.serverName` is not what is allowed there",
      "2:34, cloud.serverName",
      '"Home.Arpa"',
      "a domain name in lower case, such as `kitchen.home.arpa`",
      "correct `cloud.serverName`",
    ],
  ],
  [
    "a mistyped broker",
    "version: 1\ncloud: { name: home, broker: rabitmq }\nboards: { attic: }",
    [
      "`cloud.broker` is not what is allowed there",
      "2:30, cloud.broker",
      '"rabitmq"',
      "one of rabbitmq, kafka, none",
      "did you mean `rabbitmq`?",
    ],
  ],
  [
    "another broker",
    "version: 1\ncloud: { name: home, broker: mosquitto }\nboards: { attic: }",
    [
      "`cloud.broker` is not what is allowed there",
      "2:30, cloud.broker",
      '"mosquitto"',
      "one of rabbitmq, kafka, none",
      "correct `cloud.broker`",
    ],
  ],
  [
    "a Kafka that imcloud does not set up",
    'version: 1\ncloud: { name: home, broker: kafka }\nkafka: { version: "3.3.1" }\nboards: { attic: }',
    [
      "`kafka.version` is not what is allowed there",
      "3:19, kafka.version",
      '"3.3.1"',
      'a release of the lines 3.9 and 4, such as "4.3.1"',
      "correct `kafka.version`",
    ],
  ],
  [
    "a version that YAML takes for a number",
    "version: 1\ncloud: { name: home, broker: kafka }\nkafka: { version: 4.3 }\nboards: { attic: }",
    [
      "`kafka.version` is not what is allowed there",
      "3:19, kafka.version",
      "4.3",
      "a version in quotes",
      "correct `kafka.version`",
    ],
  ],
  [
    "a mirror that is no address",
    "version: 1\ncloud: { name: home, broker: kafka }\nkafka: { mirror: /srv/kafka }\nboards: { attic: }",
    [
      "`kafka.mirror` is not what is allowed there",
      "3:18, kafka.mirror",
      '"/srv/kafka"',
      "an http or https address",
      "correct `kafka.mirror`",
    ],
  ],
  [
    "a mirror and an archive",
    "version: 1\ncloud: { name: home, broker: kafka }\nkafka: { mirror: 'http://m', archive: k.tgz }\nboards: { attic: }",
    [
      "`kafka.archive` is not what is allowed there",
      "3:39, kafka.archive",
      '"k.tgz"',
      "either a `mirror` or an `archive`",
      "correct `kafka.archive`",
    ],
  ],
  [
    "a cluster of two",
    "version: 1\ncloud: { name: home, broker: kafka }\nkafka: { cluster: [attic, den] }\nboards: { attic: , den: }",
    [
      "`kafka.cluster` is not what is allowed there",
      "3:19, kafka.cluster",
      '["attic","den"]',
      "the names of three boards",
      "correct `kafka.cluster`",
    ],
  ],
  [
    "a cluster of a board and itself",
    "version: 1\ncloud: { name: home, broker: kafka }\nkafka: { cluster: [attic, den, den] }\nboards: { attic: , den: }",
    [
      "`kafka.cluster` is not what is allowed there",
      "3:19, kafka.cluster",
      '["attic","den","den"]',
      "three different boards",
      "correct `kafka.cluster`",
    ],
  ],
  [
    "a cluster with a board that has no broker",
    "version: 1\ncloud: { name: home, broker: kafka }\nkafka: { cluster: [attic, cellar, den] }\nboards: { attic: , cellar: , den: { playbooks: [base] } }",
    [
      "`kafka.cluster` names other boards than those that get `kafka`",
      "3:10, kafka.cluster",
      "attic, cellar, den",
      "attic, cellar",
      "give `den` the playbook `kafka`, or name another board",
    ],
  ],
  [
    "a broker beside the cluster",
    "version: 1\ncloud: { name: home, broker: kafka }\nkafka: { cluster: [attic, cellar, den] }\nboards: { attic: , cellar: , den: , shed: }",
    [
      "`kafka.cluster` names other boards than those that get `kafka`",
      "3:10, kafka.cluster",
      "attic, cellar, den",
      "attic, cellar, den, shed",
      "`shed` gets `kafka` too: say otherwise in its `playbooks:`",
    ],
  ],
  [
    "half a checksum",
    "version: 1\ncloud: { name: home, broker: kafka }\nkafka: { sha512: c7d7b231 }\nboards: { attic: }",
    [
      "`kafka.sha512` is not what is allowed there",
      "3:18, kafka.sha512",
      '"c7d7b231"',
      "128 hexadecimal digits",
      "correct `kafka.sha512`",
    ],
  ],
  [
    "a key of another cloud",
    "version: 1\ncloud: { name: home }\nboards: { attic: }\nhosts: {}",
    [
      "`hosts` is not a setting",
      "4:1, hosts",
      "hosts",
      "one of version, cloud, kafka, boards, groups, defaults, playbooks, vars, firstBoot, secretsFile, secrets",
      "remove `hosts`",
    ],
  ],
  [
    "a mistyped key at the top",
    "version: 1\ncloud: { name: home }\nborads: { attic: }",
    ["`boards` is missing", "1:1, boards", "", "a mapping (`name: value` lines)", "add `boards:`"],
  ],
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

test.each(CASES)("%s", (_title, yaml, [message = "", at = "", found = "", expected = "", hint = ""]) => {
  const error = errorOf(() => readConfig(parseYaml(yaml, "imcloud.yaml")));
  const code = /well-formed/.test(message) ? "config.syntax" : "config.invalid";
  const lines = [
    `error[${code}]: ${message}`,
    `  at        imcloud.yaml:${at}`,
    ...(found === "" ? [] : [`  found     ${found}`]),
    ...(expected === "" ? [] : [`  expected  ${expected}`]),
    `hint: ${hint}`,
  ];
  expect(renderError(error, { verbose: false })).toBe(lines.join("\n"));
  expect(exitCodeOf(error)).toBe(65);
});
