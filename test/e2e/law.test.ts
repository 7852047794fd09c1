/**
 * The law: when there is nothing to do, a run costs one handshake and at most two execs, whatever the resources;
 * one exec when the facts remembered from the last run still hold.
 */
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { applyBoard } from "../../src/engine/apply.js";
import { RESOURCE_TYPES } from "../../src/resources/registry.js";
import { virtualBoard } from "../../src/lab/virtual-board.js";
import type { Transport } from "../../src/board/transport.js";
import { packageRoot } from "../../src/shared/package-root.js";
import { Secret } from "../../src/shared/secret.js";
import { connect } from "./connect.js";
import { wishes } from "./wishes.js";

const KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n";
const repository = (name: string) => ({
  name,
  uris: ["file:///srv/none"],
  suites: ["./"],
  components: ["main"],
  key: KEY,
});
/** A board has one list of plugins and, with one node, one set of definitions; one way out, one way in, one sshd. */
const SINGLE = ["rabbitmq-plugins", "rabbitmq-definitions", "shaper", "firewall", "sshd"];
/**
 * That these cost nothing either is seen elsewhere: a virtual board has no disk (test/fault/ssd.test.ts), and a Kafka
 * beside all this would be a test of its own (kafka.test.ts).
 */
const ELSEWHERE = ["data-move", "disk", "disk-trim", "mount", "kafka-topic"];
/** Each is confirmed before anything else goes on. */
const CUTOFFS = 3;

/** A program that comes with imcloud, where its playbook puts it. */
async function program(path: string) {
  const content = await readFile(join(packageRoot(), "templates", path), "utf8");
  return { path, content, mode: "0755" };
}

async function source(folder: string, name: string) {
  const path = join(folder, `${name}.tar`);
  await writeFile(join(folder, name), name);
  await execa("tar", ["-C", folder, "-cf", path, name]);
  const content = await readFile(path);
  return { path, sha256: createHash("sha256").update(content).digest("hex"), sizeBytes: content.length };
}

test("two resources of every type, nothing to change: one handshake, two execs; one with remembered facts", async () => {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-law-"));
  await using board = await virtualBoard("kitchen");
  const items = wishes([
    ["file", { path: "/etc/imtest/cmdline.txt", content: "root=/dev/mmcblk0p2 one two=2\n" }],
    ["package", { names: ["rabbitmq-server"] }],
    ["package", { names: ["hello"] }],
    ["rabbitmq-plugins", { names: ["rabbitmq_prometheus"] }],
    ["service", { unit: "rabbitmq-server.service", port: 5672 }],
    ["service", { unit: "cron.service" }],
    [
      "rabbitmq-definitions",
      {
        node: "rabbit@kitchen",
        vhosts: ["/", "law"],
        users: [
          { name: "one", password: new Secret("hush") },
          { name: "two", password: new Secret("hush") },
        ],
      },
    ],
    ["kernel-argument", { path: "/etc/imtest/cmdline.txt", argument: "one" }],
    ["kernel-argument", { path: "/etc/imtest/cmdline.txt", argument: "two=2" }],
    ["user", { name: "one" }],
    ["user", { name: "two" }],
    ["directory", { path: "/etc/imtest" }],
    ["directory", { path: "/etc/imtest/deep", mode: "0700" }],
    ["file", { path: "/etc/imtest/one", content: "1\n" }],
    ["file", { path: "/etc/imtest/two", content: new Secret("hush"), mode: "0600" }],
    ["line", { path: "/etc/hosts", line: "192.0.2.1 one" }],
    ["line", { path: "/etc/hosts", line: "192.0.2.2 two", match: " two$" }],
    ["sysctl", { key: "net.ipv4.tcp_fin_timeout", value: 42 }],
    ["sysctl", { key: "vm.swappiness", value: 7 }],
    ["artifact", { path: "/opt/imtest/one", source: await source(folder, "one") }],
    ["artifact", { path: "/opt/imtest/two", source: await source(folder, "two"), unpack: true }],
    ["command", { name: "one", unless: "test -e /etc/imtest/c1", run: "touch /etc/imtest/c1" }],
    [
      "command",
      {
        name: "two",
        unless: "test -e /etc/imtest/c2",
        run: "cat > /etc/imtest/c2",
        input: new Secret("hush"),
      },
    ],
    ["apt-repository", repository("one")],
    ["apt-repository", repository("two")],
    ["file", await program("/usr/local/sbin/imcloud-qos")],
    ["file", await program("/usr/local/sbin/imcloud-firewall")],
    ["shaper", { device: "eth0", settings: { uplink: "20mbit" }, ports: [8448], marks: "nft" }],
    ["firewall", { tcp: [8448], by: "nft" }],
    ["sshd", { settings: { PasswordAuthentication: "no" }, login: "key" }],
  ]);
  const count = (type: string) =>
    items.filter((item) => item.kind === "resource" && item.resource.type.type === type).length;
  for (const type of [...RESOURCE_TYPES.keys()].filter((word) => !ELSEWHERE.includes(word)))
    expect(count(type), type).toBeGreaterThanOrEqual(SINGLE.includes(type) ? 1 : 2);
  const resolve = () => Promise.resolve(items);

  const first = await connect(board);
  const afresh = async <Result>(task: (transport: Transport) => Promise<Result>): Promise<Result> => {
    const transport = await connect(board);
    return task(transport).finally(() => transport.close());
  };
  const applied = await applyBoard({ transport: first, resolve, afresh });
  expect(applied.error).toBeUndefined();
  expect(applied.waves.length).toBeLessThanOrEqual(4 + CUTOFFS);
  await first.close();

  const second = await connect(board);
  expect((await applyBoard({ transport: second, resolve })).outcome).toBe("unchanged");
  expect(second.counts).toEqual({ handshakes: 1, execs: 2 });
  await second.close();

  const third = await connect(board);
  const remembered = applied.facts === undefined ? {} : { rememberedFacts: applied.facts };
  expect((await applyBoard({ transport: third, resolve, ...remembered })).outcome).toBe("unchanged");
  expect(third.counts).toEqual({ handshakes: 1, execs: 1 });
  await third.close();
  await rm(folder, { recursive: true });
});
