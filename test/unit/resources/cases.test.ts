/**
 * Each type by what a board printed: what it makes of it, and what it would change. Every type has a case with
 * nothing to do. The outputs were written after what a virtual board with Debian 12 prints; that boards really print
 * so is what the e2e tests are for.
 */
import { expect, test } from "vitest";
import { RESOURCE_TYPES } from "../../../src/resources/registry.js";
import { resourceId } from "../../../src/resources/resource.js";
import { Secret } from "../../../src/shared/secret.js";
import { sha256, testAll, type Case } from "./expected.js";

const source = (digit: string) => ({ path: "/dev/null", sha256: digit.repeat(64), sizeBytes: 0 });
const stored = (digit: string) => `/opt/imcloud/store/${digit.repeat(64)}`;
const KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n";
const REPOSITORY = { name: "x", uris: ["file:///srv"], suites: ["./"], components: ["main"], key: KEY };
const SOURCES =
  "# Managed by imcloud.\nTypes: deb\nURIs: file:///srv\nSuites: ./\nComponents: main\nSigned-By: /etc/apt/keyrings/imcloud-x.asc\n";

const TOPIC = {
  name: "t",
  partitions: 3,
  config: { "retention.ms": 60_000, "cleanup.policy": "compact,delete" },
};
const NOTE = ["partitions=3", "replication=1", "cleanup.policy=compact,delete", "retention.ms=60000"]
  .map((setting) => `/var/lib/kafka/imcloud-topic-t:${setting}`)
  .join("\n");

/** The account `im` in its files, but for the rows given. */
const accountRows = (other: Readonly<Record<string, string>>) =>
  Object.values({
    passwd: "user:im:x:999:999::/nonexistent:/usr/sbin/nologin",
    shadow: "shadow:im:locked",
    group: "group:im:x:999:",
    gshadow: "gshadow:im",
    ...other,
    end: "end:",
  }).join("\n");

const CASES: readonly Case[] = [
  [
    "file",
    "nothing to do",
    { path: "/etc/motd", content: "x" },
    "is|regular file|0644|root|root|/etc/motd",
    [],
  ],
  [
    "file",
    "not there",
    { path: "/etc/motd", content: "x" },
    "absent|/etc/motd",
    ["create none: -> 0644 root:root\nx"],
  ],
  [
    "file",
    "another content, shown",
    { path: "/etc/motd", content: "new" },
    `is|regular file|0644|root|root|/etc/motd\ndiffers|${"0".repeat(64)}|/etc/motd\ntext|b2xk|/etc/motd`,
    ["update none: 0644 root:root\nold -> 0644 root:root\nnew"],
  ],
  [
    "file",
    "another secret, not shown",
    { path: "/etc/s", content: new Secret("hush"), mode: "0600" },
    `is|regular file|0600|root|root|/etc/s\ndiffers|${"0".repeat(64)}|/etc/s`,
    ["update none: 0600 root:root\n(another secret) -> 0600 root:root\n(secret)"],
  ],
  [
    "file",
    "another mode alone",
    { path: "/etc/motd", content: "x", mode: "0600" },
    "is|regular file|0644|root|root|/etc/motd",
    ["update none: 0644 root:root\nx -> 0600 root:root\nx"],
  ],
  [
    "file",
    "a folder in its place",
    { path: "/etc/motd", content: "x" },
    "is|directory|0755|root|root|/etc/motd",
    "unknowable",
  ],
  [
    "file",
    "that could lock the operator out",
    { path: "/etc/motd", content: "x", confirmWithinS: 60 },
    "absent|/etc/motd",
    ["create cutoff: -> 0644 root:root\nx"],
  ],
  ["directory", "nothing to do", { path: "/srv/x" }, "is|directory|0755|root|root|/srv/x", []],
  ["directory", "not there", { path: "/srv/x" }, "absent|/srv/x", ["create none: -> 0755 root:root"]],
  [
    "directory",
    "another owner",
    { path: "/srv/x" },
    "is|directory|0755|pi|pi|/srv/x",
    ["update none: 0755 pi:pi -> 0755 root:root"],
  ],
  [
    "directory",
    "a file in its place",
    { path: "/srv/x" },
    "is|regular file|0644|root|root|/srv/x",
    "unknowable",
  ],
  ["line", "nothing to do", { path: "/etc/hosts", line: "a b" }, "is|/etc/hosts\nline|/etc/hosts:a b", []],
  [
    "line",
    "a line with colons and bars",
    { path: "/etc/hosts", line: "::1|a:b" },
    "is|/etc/hosts\nline|/etc/hosts:::1|a:b",
    [],
  ],
  [
    "line",
    "missing",
    { path: "/etc/hosts", line: "a b" },
    "is|/etc/hosts\nline|/etc/hosts:x",
    ["update none: -> a b"],
  ],
  [
    "line",
    "replaced",
    { path: "/etc/hosts", line: "a b", match: "^a" },
    "is|/etc/hosts\nline|/etc/hosts:a x",
    ["update none: a x -> a b"],
  ],
  ["line", "no file", { path: "/etc/hosts", line: "a b" }, "absent|/etc/hosts", ["create none: -> a b"]],
  ["sysctl", "nothing to do, tabs or spaces", { key: "a.b", value: "1 2" }, "/proc/sys/a/b:1\t2", []],
  ["sysctl", "another value", { key: "a.b", value: 2 }, "/proc/sys/a/b:1", ["update none: 1 -> 2"]],
  ["sysctl", "higher is as good", { key: "a.b", value: 2, atLeast: true }, "/proc/sys/a/b:3", []],
  [
    "sysctl",
    "not in this kernel",
    { key: "a.b", value: 2 },
    "absent:/proc/sys/a/b",
    ["update none: absent -> 2"],
  ],
  ["user", "nothing to do", { name: "im" }, accountRows({}), []],
  [
    "user",
    "useradd was killed behind passwd",
    { name: "im" },
    accountRows({ shadow: "", group: "", gshadow: "" }),
    [
      "update none: half made, without its row in shadow, group -> home /nonexistent, shell /usr/sbin/nologin, groups none",
    ],
  ],
  [
    "user",
    "useradd was killed before gshadow",
    { name: "im" },
    accountRows({ gshadow: "" }),
    [
      "update none: half made, without its row in gshadow -> home /nonexistent, shell /usr/sbin/nologin, groups none",
    ],
  ],
  ["user", "on a system without gshadow", { name: "im" }, accountRows({ gshadow: "no-gshadow:" }), []],
  [
    "user",
    "in somebody else's group, which is whole",
    { name: "im" },
    accountRows({ group: "group:users:x:999:", gshadow: "" }),
    [],
  ],
  [
    "user",
    "with a password: not ours to make anew",
    { name: "im" },
    accountRows({ shadow: "shadow:im:password", gshadow: "" }),
    [],
  ],
  [
    "user",
    "a person's",
    { name: "im" },
    accountRows({ passwd: "user:im:x:1000:999::/nonexistent:/usr/sbin/nologin", gshadow: "" }),
    [],
  ],
  [
    "user",
    "beside what a killed program left",
    { name: "im" },
    `${accountRows({})}\nleft:/etc/group.lock`,
    ["update none: what a killed program left: /etc/group.lock -> "],
  ],
  [
    "user",
    "whose files are its own",
    { name: "im", owns: "/var/lib/im" },
    `${accountRows({})}\nowner:999:/var/lib/im`,
    [],
  ],
  [
    "user",
    "whose folder is still root's, or not there",
    { name: "im", owns: "/var/lib/im" },
    `${accountRows({})}\nowner:0:/var/lib/im`,
    [],
  ],
  [
    "user",
    "whose files on the disk have the number that it had on another card",
    { name: "im", owns: "/var/lib/im" },
    `${accountRows({})}\nowner:995:/var/lib/im`,
    ["update none: the files in /var/lib/im are the account's with the number 995 -> im's"],
  ],
  [
    "user",
    "not there",
    { name: "im" },
    "end:",
    ["create none: -> home /nonexistent, shell /usr/sbin/nologin, groups none"],
  ],
  [
    "user",
    "not in its group",
    { name: "im", groups: ["adm"] },
    `group:adm:x:4:pi\n${accountRows({})}`,
    [
      "update none: home /nonexistent, shell /usr/sbin/nologin, groups none -> home /nonexistent, shell /usr/sbin/nologin, groups adm",
    ],
  ],
  ["package", "nothing to do", { names: ["aa", "bb"] }, "installed aa\ninstalled bb\nend", []],
  [
    "package",
    "one missing, one half gone",
    { names: ["aa", "bb", "cc"] },
    "installed aa\nconfig-files bb\nend",
    ["create none: aa -> aa bb cc"],
  ],
  [
    "service",
    "nothing to do",
    { unit: "x.service" },
    "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n",
    [],
  ],
  [
    "service",
    "failed",
    { unit: "x.service" },
    "LoadState=loaded\nActiveState=failed\nUnitFileState=enabled\n",
    ["update none: stopped, starts at boot -> running, starts at boot"],
  ],
  [
    "service",
    "not there",
    { unit: "x.service" },
    "LoadState=not-found\nActiveState=inactive\nUnitFileState=\n",
    ["create none: stopped, does not start at boot -> running, starts at boot"],
  ],
  [
    "service",
    "not there, and nobody's fault",
    { unit: "x.service", ifThere: true },
    "LoadState=not-found\nActiveState=inactive\nUnitFileState=\n",
    [],
  ],
  [
    "service",
    "to be stopped",
    { unit: "x.service", running: false, enabled: false },
    "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n",
    ["update downtime: running, starts at boot -> stopped, does not start at boot"],
  ],
  ["command", "nothing to do", { name: "x", unless: "true", run: "id" }, "done x", []],
  ["command", "to be run", { name: "x", unless: "true", run: "id" }, "todo x", ["create none: -> id"]],
  [
    "artifact",
    "nothing to do",
    { path: "/opt/x", source: source("a") },
    `link '/opt/x' -> '${stored("a")}'`,
    [],
  ],
  [
    "artifact",
    "another version",
    { path: "/opt/x", source: source("b") },
    `link '/opt/x' -> '${stored("a")}'`,
    [`update none: ${stored("a")} -> ${stored("b")}`],
  ],
  [
    "artifact",
    "a link to nowhere",
    { path: "/opt/x", source: source("a") },
    `absent /opt/x\nlink '/opt/x' -> '${stored("a")}'`,
    [`create none: -> ${stored("a")}`],
  ],
  ["rabbitmq-plugins", "nothing to do", { names: ["b", "a"] }, "list [a,b].", []],
  ["rabbitmq-plugins", "one too many", { names: ["a"] }, "list [a,b].", ["update none: a b -> a"]],
  ["rabbitmq-plugins", "before the broker is there", { names: ["a"] }, "missing", "unknowable"],
  ["rabbitmq-definitions", "before the broker is there", {}, "missing\nport 1628", "unknowable"],
  ["rabbitmq-definitions", "while it does not listen", {}, "port 0016", "unknowable"],
  ["rabbitmq-definitions", "a blank broker", {}, "port 1628", ["create none: -> vhost /\nno user guest"]],
  ["kafka-topic", "before Kafka is there", TOPIC, "missing\nport 2384", "unknowable"],
  ["kafka-topic", "while it does not listen", TOPIC, "port 0016", "unknowable"],
  ["kafka-topic", "nothing to do", TOPIC, `port 2384\n${NOTE}`, []],
  [
    "kafka-topic",
    "not there",
    TOPIC,
    "port 2384",
    ["create none: -> partitions=3\nreplication=1\ncleanup.policy=compact,delete\nretention.ms=60000"],
  ],
  [
    "kafka-topic",
    "another time, and a setting that is not asked for any more",
    { name: "t", partitions: 3, config: { "retention.ms": 5 } },
    `port 2384\n${NOTE}`,
    [
      "update none: partitions=3\nreplication=1\ncleanup.policy=compact,delete\nretention.ms=60000 -> partitions=3\nreplication=1\nretention.ms=5",
    ],
  ],
  [
    "kafka-topic",
    "that another topic's note is taken for its own",
    { ...TOPIC, name: "tt" },
    `port 2384\n${NOTE}`,
    ["create none: -> partitions=3\nreplication=1\ncleanup.policy=compact,delete\nretention.ms=60000"],
  ],
  ["apt-repository", "not there", REPOSITORY, "absent x\nend", [`create none: -> ${SOURCES}`]],
  [
    "apt-repository",
    "nothing to do",
    REPOSITORY,
    `${sha256(SOURCES)}  /etc/apt/sources.list.d/imcloud-x.sources\n${sha256(KEY)}  /etc/apt/keyrings/imcloud-x.asc\nend`,
    [],
  ],
];

testAll(CASES);

test("definitions that were imported are known by their hash, and another password is another hash", () => {
  const type = RESOURCE_TYPES.get("rabbitmq-definitions");
  if (type === undefined) throw new Error("not registered");
  const judge = (password: string, stamp: string) => {
    const desired = type.schema.parse({ users: [{ name: "im", password: new Secret(password) }] });
    const id = resourceId(type.type, type.key(desired));
    const output = `port 1628\n/var/lib/rabbitmq/mnesia/rabbit@localhost/imcloud-definitions:sha256 ${stamp}`;
    const judgement = type.judge(output, [{ id, desired, origin: { file: "case.yaml", line: 1 } }]).get(id);
    return judgement?.kind === "judged" ? judgement.drafts : undefined;
  };
  const stampOf = (password: string) =>
    /'?sha256 %s\\n'? ([0-9a-f]{64})/.exec(judge(password, "none")?.[0]?.apply.text ?? "")?.[1] ?? "";
  expect(stampOf("one")).toMatch(/^[0-9a-f]{64}$/);
  expect(judge("one", stampOf("one"))).toEqual([]);
  expect(judge("two", stampOf("one"))).toHaveLength(1);
});
