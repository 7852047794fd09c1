/** What people get wrong in imcloud.yaml about the cloud and its broker, and what imcloud says. */
import { testAll, type Case } from "./refused.js";

const NAME = "lower-case letters, digits and hyphens, at most 63 (it becomes a host name)";

const CASES: readonly Case[] = [
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
];

testAll(CASES);
