/**
 * The shipped playbooks on every release: what they ask for, what waits, what is refused.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Facts } from "../../../src/board/facts.js";
import type { Item } from "../../../src/engine/types.js";
import { ServerConfig } from "../../../src/shared/server-config.js";
import { Secret } from "../../../src/shared/secret.js";
import { FACTS_FILES, factsOf, resolveShipped as resolve } from "./shipped.js";

const idsOf = (items: readonly Item[]) =>
  items.flatMap((item) => (item.kind === "resource" ? [item.resource.id] : []));
const valueOf = (items: readonly Item[], id: string): unknown =>
  items.flatMap((item) =>
    item.kind === "resource" && item.resource.id === id ? [item.resource.desired] : [],
  )[0];

test("a board that is renamed after its first apply gets the name back that it had in use", async () => {
  const folder = mkdtempSync(join(tmpdir(), "imcloud-hostname-"));
  const items = await resolve(factsOf("raspios-bookworm.txt"), ["base"], { hostname: "renamed" });
  const { run, undo } = valueOf(items, "command:hostname in use") as { run: string; undo: string };
  writeFileSync(join(folder, "hostname"), `#!/bin/sh\necho "$1" >> ${folder}/named\n`, { mode: 0o755 });
  // Its own resource is older, and is taken back behind this one.
  writeFileSync(join(folder, "etc"), "renamed\n");
  const ledger = mkdtempSync(join(folder, "ledger-"));
  for (const text of [run, run, undo])
    execFileSync("dash", ["-euc", text.replaceAll("/etc/hostname", join(folder, "etc"))], {
      env: { PATH: `${folder}:${process.env["PATH"] ?? ""}`, IMCLOUD_LEDGER: ledger, IMCLOUD_SAVED: ledger },
    });
  expect(readFileSync(join(folder, "named"), "utf8")).toBe(`renamed\nrenamed\n${hostname()}\n`);
  rmSync(folder, { recursive: true });
});

test.each([
  ["another program's lock of them is waited for", "E: Could not get lock /var/lib/apt/lists/lock", 0, 3],
  ["anything else is told", "E: The repository is not signed.", 100, 1],
])("lists of a kit: %s", async (_title, refusal, status, tries) => {
  const folder = mkdtempSync(join(tmpdir(), "imcloud-lists-"));
  const items = await resolve(factsOf("raspios-bookworm.txt"), ["offline"]);
  const { run } = valueOf(items, "command:package lists of the kit") as { run: string };
  const tried = join(folder, "tried");
  const refuse = status === 0 ? `[ "$(wc -l < ${tried})" -gt 2 ] ||` : "";
  writeFileSync(
    join(folder, "apt-get"),
    `#!/bin/sh\necho x >> ${tried}\n${refuse} { echo "${refusal}"; exit 100; }\n`,
    { mode: 0o755 },
  );
  writeFileSync(join(folder, "sleep"), "#!/bin/sh\n", { mode: 0o755 });
  const ended = spawnSync("dash", ["-euc", run.replaceAll("/var/lib/imcloud", folder)], {
    env: { PATH: `${folder}:${process.env["PATH"] ?? ""}` },
    encoding: "utf8",
  });
  expect(ended.status === 0).toBe(status === 0);
  expect(readFileSync(tried, "utf8")).toHaveLength(tries * 2);
  expect(ended.stdout).toBe(status === 0 ? "" : `${refusal}\n`);
  rmSync(folder, { recursive: true });
});

describe.each(FACTS_FILES)("%s", (name) => {
  const facts = factsOf(name);

  test("base and tuning resolve for every userland", async () => {
    const items = await resolve(facts, ["base", "tuning"]);
    expect(items.every(({ kind }) => kind === "resource")).toBe(true);
    expect(idsOf(items)).toContain("sysctl:net.core.somaxconn");
  });

  test.runIf(facts.arch === "armhf").each(["rabbitmq", "kafka"])(
    "a 32-bit userland is refused %s, with the way out",
    async (broker) => {
      await expect(resolve(facts, [broker])).rejects.toMatchObject({
        code: "board.unsupported",
        details: { found: "a userland for armhf", hint: expect.stringContaining("64-bit image") as string },
      });
    },
  );

  test.runIf(facts.arch !== "armhf")(
    "the broker's settings wait for its version; the rest does not",
    async () => {
      const bare = await resolve({ ...facts, packages: {} }, ["rabbitmq", "imserver"]);
      const waiting = bare.filter((item) => item.kind === "deferred");
      expect(waiting.length).toBeGreaterThan(0);
      for (const item of waiting)
        expect(item).toMatchObject({ because: "rabbitmq-server is not installed yet" });
      const there = await resolve({ ...facts, packages: { "rabbitmq-server": "3.10.8-1.1" } }, ["rabbitmq"]);
      expect(idsOf(there)).toContain("file:/etc/rabbitmq/rabbitmq.conf");
      expect(idsOf(there)).toContain("rabbitmq-plugins:enabled");
    },
  );
});

test("`quirks: known` is for adapters that the board has, and none of them is no argument", async () => {
  const argumentOf = async (adapter: string, quirks: unknown) => {
    const facts = factsOf("raspios-bookworm.txt");
    const disk = {
      ...{ serial: "1", model: "", transport: "usb", adapter, sizeMb: 1, rotational: true },
      ...{ removable: false, system: false, holds: [] },
    };
    const items = await resolve({ ...facts, disks: [disk] }, ["ssd"], { ssd: { quirks } });
    return idsOf(items).find((id) => id.startsWith("kernel-argument:"));
  };
  const path = "kernel-argument:/boot/firmware/cmdline.txt#usb-storage.quirks=";
  expect(await argumentOf("152d:0578", "known")).toBe(`${path}152d:0578:u`);
  expect(await argumentOf("174c:55aa", "known")).toBeUndefined();
  expect(await argumentOf("152d:0578", ["1:2:u", "3:4:u"])).toBe(`${path}1:2:u,3:4:u`);
});

test("a network without internet has somebody of its own who tells the time", async () => {
  const id = "file:/etc/systemd/timesyncd.conf.d/60-imcloud.conf";
  const facts = factsOf("raspios-bookworm.txt");
  expect(idsOf(await resolve(facts, ["base"]))).not.toContain(id);
  const asked = { ntp_servers: ["192.168.1.1", "time.school.lan"] };
  expect(valueOf(await resolve(facts, ["base"], asked), id)).toMatchObject({
    content: "# Managed by imcloud.\n[Time]\nNTP=192.168.1.1 time.school.lan\n",
  });
  expect(idsOf(await resolve({ ...facts, timeSync: "chrony" }, ["base"], asked))).not.toContain(id);
});

test("packages of a kit are there before apt is told to use nothing else", async () => {
  expect(idsOf(await resolve(factsOf("raspios-bookworm.txt"), ["offline"]))).toEqual([
    "artifact:/opt/imcloud/packages",
    "file:/etc/apt/imcloud-offline.list",
    "file:/etc/apt/apt.conf.d/60imcloud-offline",
    "command:package lists of the kit",
  ]);
});

test("sizes follow the memory", async () => {
  const conf = async (ramMb: number) => {
    const facts = { ...factsOf("raspios-bookworm.txt"), ramMb, packages: { "rabbitmq-server": "3.10.8" } };
    const items = await resolve(facts, ["rabbitmq"]);
    const { content } = valueOf(items, "file:/etc/rabbitmq/conf.d/60-imcloud-limits.conf") as {
      content: string;
    };
    return /watermark\.absolute = (\d+)/.exec(content)?.[1];
  };
  expect([await conf(920), await conf(1_900), await conf(3_800), await conf(7_800)]).toEqual([
    "268435456",
    "671088640",
    "1610612736",
    "3221225472",
  ]);
});

test("what the server may reach reaches its configuration", async () => {
  const facts = { ...factsOf("raspios-bookworm.txt"), packages: { "rabbitmq-server": "3.10.8" } };
  const configOf = async (vars: Record<string, unknown>) => {
    const items = await resolve(facts, ["rabbitmq", "imserver"], vars);
    const { content } = valueOf(items, "file:/etc/imcloud/server.json") as { content: string };
    return ServerConfig.parse(JSON.parse(content));
  };
  expect((await configOf({})).previews.enabled).toBe(false);
  const previews = { enabled: true, allowedNetworks: ["192.168.1.0/24"], ports: [80] };
  const config = await configOf({ previews, push_networks: ["10.0.0.0/8"] });
  expect(config.previews).toMatchObject(previews);
  expect(config.push.allowedNetworks).toEqual(["10.0.0.0/8"]);
});

test("a broker too old to be trusted with conf.d has its limits among the other settings", async () => {
  const facts = { ...factsOf("raspios-bullseye.txt"), packages: { "rabbitmq-server": "3.8.9" } };
  const items = await resolve(facts, ["rabbitmq"]);
  const { content } = valueOf(items, "file:/etc/rabbitmq/rabbitmq.conf") as { content: string };
  expect(content).toMatch(
    /^vm_memory_high_watermark\.absolute = \d+\n[^]*^disk_free_limit\.absolute = \d+$/m,
  );
  expect(idsOf(items).filter((id) => id.includes("imits"))).toEqual([]);
});

test("Kafka's heap follows the memory, and too little is refused", async () => {
  const start = async (ramMb: number) => {
    const items = await resolve({ ...factsOf("raspios-bookworm.txt"), ramMb }, ["kafka"]);
    const { content } = valueOf(items, "file:/etc/systemd/system/kafka.service") as { content: string };
    return /-Xms(\d+m) -Xmx\1 -XX:\+Use(\w+)/.exec(content)?.slice(1);
  };
  expect([await start(920), await start(1_900), await start(3_800), await start(7_800)]).toEqual([
    ["256m", "SerialGC"],
    ["384m", "SerialGC"],
    ["768m", "G1GC"],
    ["1024m", "G1GC"],
  ]);
  await expect(start(456)).rejects.toMatchObject({
    code: "board.unsupported",
    message: "`pi-1` cannot have `kafka`",
    details: {
      found: "456 MiB of memory",
      expected: "900 MiB or more",
      hint: expect.stringContaining("2 GB or more") as string,
    },
  });
});

test("archives for a newer RabbitMQ are there before apt is asked for it; one without a key is refused", async () => {
  const facts = { ...factsOf("raspios-bookworm.txt"), packages: {} };
  const archive = {
    name: "rabbitmq",
    uris: ["https://mirror.example.org/rabbitmq"],
    suites: ["bookworm"],
    components: ["main"],
    key: "-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
  };
  const erlang = { ...archive, name: "erlang" };
  const items = await resolve(facts, ["rabbitmq"], { rabbitmq_repositories: [erlang, archive] });
  const ids = idsOf(items).map(String);
  const places = ["apt-repository:erlang", "apt-repository:rabbitmq", "package:rabbitmq-server"].map((id) =>
    ids.indexOf(id),
  );
  expect(places).not.toContain(-1);
  expect(places).toEqual(places.toSorted((one, other) => one - other));
  const { key: _key, ...keyless } = archive;
  await expect(resolve(facts, ["rabbitmq"], { rabbitmq_repositories: [keyless] })).rejects.toMatchObject({
    code: "playbook.invalid",
  });
});

describe("one Kafka of three boards", () => {
  const facts = factsOf("raspios-bookworm.txt");
  const at = (cluster: readonly [string, string, string]) =>
    resolve(facts, ["kafka", "imserver"], {}, cluster);
  const textOf = async (path: string, cluster: readonly [string, string, string]) =>
    String((valueOf(await at(cluster), `file:${path}`) as { content: unknown }).content);

  test("keeps three copies, and lets nobody in without TLS and a password", async () => {
    const text = await textOf("/etc/kafka/server.properties", ["pi-2", "pi-1", "pi-3"]);
    for (const line of [
      "node.id=2",
      "controller.quorum.bootstrap.servers=pi-1.home.arpa:9093,pi-2.home.arpa:9093,pi-3.home.arpa:9093",
      "advertised.listeners=CLUSTER://pi-2.home.arpa:9092,CONTROLLER://pi-2.home.arpa:9093",
      "listener.security.protocol.map=CLUSTER:SASL_SSL,CONTROLLER:SASL_SSL",
      "min.insync.replicas=2",
      "offsets.topic.replication.factor=3",
    ])
      expect(text.split("\n")).toContain(line);
    expect(text).not.toMatch(/PLAINTEXT|idle\.interval|factor=1$/m);
    expect(await textOf("/etc/systemd/system/kafka.service", ["pi-2", "pi-1", "pi-3"])).toContain(
      "-Djava.security.auth.login.config=/etc/kafka/jaas.conf -cp",
    );
  });

  test("is founded by all of them, and only the last waits and makes the topic", async () => {
    const founders = async (cluster: readonly [string, string, string]) =>
      /--initial-controllers (\S+)/.exec(
        (valueOf(await at(cluster), "command:kafka storage") as { run: string }).run,
      )?.[1];
    const [one, three] = [await founders(["pi-1", "pi-2", "pi-3"]), await founders(["pi-3", "pi-1", "pi-2"])];
    expect(one).toMatch(/^1@pi-1\.home\.arpa:9093:[\w-]{22},2@pi-2\.home\.arpa:9093:[\w-]{22},3@pi-3/);
    expect(three).toBe(one);

    const waits = async (cluster: readonly [string, string, string]) => {
      const items = await at(cluster);
      const { port } = valueOf(items, "service:kafka.service") as { port?: number };
      return [port, idsOf(items).includes("kafka-topic:imcloud.events" as never)];
    };
    expect(await waits(["pi-1", "pi-2", "pi-3"])).toEqual([undefined, false]);
    expect(await waits(["pi-3", "pi-1", "pi-2"])).toEqual([9_092, true]);
    expect(valueOf(await at(["pi-3", "pi-1", "pi-2"]), "kafka-topic:imcloud.events")).toMatchObject({
      replication: 3,
      config: { "min.insync.replicas": "2" },
    });
  });

  test("keeps its passwords and keys out of everything but their own files", async () => {
    const items = await at(["pi-1", "pi-2", "pi-3"]);
    expect(JSON.stringify(items)).not.toContain("canary-");
    const secretFiles = items.flatMap((item) =>
      item.kind === "resource" && (item.resource.desired as { content?: unknown }).content instanceof Secret
        ? [item.resource.id]
        : [],
    );
    expect(secretFiles).toEqual(
      expect.arrayContaining([
        "file:/etc/kafka/jaas.conf",
        "file:/etc/kafka/client.properties",
        "file:/etc/kafka/tls/keystore.pem",
        "file:/etc/imcloud/secrets/kafka",
      ]),
    );
    expect(await textOf("/etc/imcloud/server.json", ["pi-1", "pi-2", "pi-3"])).toContain(
      '"brokers": ["pi-1.home.arpa:9092", "pi-2.home.arpa:9092", "pi-3.home.arpa:9092"]',
    );
    const told = items.flatMap((item) =>
      item.kind === "resource" && item.resource.type.type === "line" ? [item.resource.desired] : [],
    );
    expect(told).toMatchObject([1, 2, 3].map((id) => ({ line: `10.0.0.${id} pi-${id}.home.arpa` })));
  });
});

test("what Kafka keeps follows the disk that its data is on, within bounds", async () => {
  const kept = async (fileSystems: Readonly<Record<string, number>>, vars = {}) => {
    const items = await resolve({ ...factsOf("raspios-bookworm.txt"), fileSystems }, ["kafka"], vars);
    const { config } = valueOf(items, "kafka-topic:imcloud.events") as { config: Record<string, string> };
    return (Number(config["retention.bytes"]) * 3) / 1024 / 1024;
  };
  expect(await kept({ "/": 15_000 })).toBeCloseTo(3_000, 3);
  expect(await kept({ "/": 3_000 })).toBeCloseTo(600, 3);
  expect(await kept({ "/": 500 })).toBeCloseTo(192, 3);
  expect(await kept({ "/": 120_000 })).toBeCloseTo(4_096, 3);
  expect(await kept({})).toBeCloseTo(192, 3);
  const disks = { "/": 120_000, "/mnt": 500, "/mnt/ssd": 10_000, "/mnt/ss": 7 };
  expect(await kept(disks, { kafka_data: "/mnt/ssd/kafka" })).toBeCloseTo(2_000, 3);
  expect(await kept(disks, { kafka_keep: 300 })).toBeCloseTo(300, 3);
});

test("the old broker of 18.04 gets its settings as Erlang terms, and no argument that its Erlang does not know", async () => {
  const facts = { ...factsOf("ubuntu-18.04.txt"), packages: { "rabbitmq-server": "3.6.10-1" } };
  const items = await resolve(facts, ["rabbitmq"]);
  expect(idsOf(items)).not.toContain("file:/etc/rabbitmq/rabbitmq.conf");
  expect(idsOf(items)).not.toContain("rabbitmq-plugins:enabled");
  const config = valueOf(items, "file:/etc/rabbitmq/rabbitmq.config") as { content: string };
  expect(config.content).toContain("{vm_memory_high_watermark, {absolute, 1610612736}},");
  expect(config.content).toContain('{tcp_listeners, [{"127.0.0.1", 5672}]},');
  expect(config.content.trimEnd()).toMatch(/\]\.$/);

  const environment = async (name: string) =>
    (
      valueOf(await resolve(factsOf(name), ["rabbitmq"]), "file:/etc/rabbitmq/rabbitmq-env.conf") as {
        content: string;
      }
    ).content;
  expect(await environment("ubuntu-18.04.txt")).toMatch(/\{127,0,0,1\} \+sbwt none"$/m);
  expect(await environment("ubuntu-20.04.txt")).toMatch(/\+sbwt none \+sbwtdcpu none \+sbwtdio none"$/m);
});

test("swap on a disk and in memory want opposite things", async () => {
  const swappiness = async (facts: Facts) =>
    (valueOf(await resolve(facts, ["tuning"]), "sysctl:vm.swappiness") as { value: string }).value;
  const [small, newest] = [factsOf("raspios-bookworm.txt"), factsOf("raspios-trixie.txt")];
  expect(await Promise.all([small, { ...small, ramMb: 7900 }, newest].map(swappiness))).toEqual([
    "120",
    "10",
    "120",
  ]);
});

test("swap in memory is set up where it helps and nobody else does it", async () => {
  const hasZram = async (facts: Facts) =>
    (await resolve(facts, ["tuning"])).some(
      (item) => item.kind === "resource" && item.resource.id === "service:imcloud-zram.service",
    );
  const board = factsOf("raspios-bookworm.txt");
  const withPackage = factsOf("raspios-bookworm.txt", "package=installed zram-tools 0.3\n");
  const after = factsOf("raspios-bookworm.txt", "swap=/dev/zram0\nzram.own=/dev/zram0\n");
  expect({
    board: await hasZram(board),
    after: await hasZram(after),
    large: await hasZram({ ...board, ramMb: 7900 }),
    withPackage: await hasZram(withPackage),
    foreign: await hasZram(factsOf("raspios-trixie.txt")),
    container: await hasZram(factsOf("debian-12-virtual.txt")),
  }).toEqual({
    board: true,
    after: true,
    large: false,
    withPackage: false,
    foreign: false,
    container: false,
  });
});

test("a secret is a Secret wherever it ends up, and never text", async () => {
  const items = await resolve(factsOf("raspios-bookworm.txt"), ["rabbitmq", "imserver"]);
  expect(JSON.stringify(items)).not.toContain("canary-");
  const { content } = valueOf(items, "file:/etc/imcloud/secrets/amqp") as { content: Secret };
  expect(content.reveal()).toBe("canary-amqp_password");
});

test("a folder for data of one's own is the same for all playbooks that name it", async () => {
  const [release] = FACTS_FILES;
  const facts = { ...factsOf(release ?? expect.fail()), arch: "arm64" };
  const items = await resolve(facts, ["base", "imserver"], { data: "/mnt/ssd/imcloud" });
  expect(valueOf(items, "user:imcloud")).toMatchObject({ home: "/mnt/ssd/imcloud" });
});

test("one kernel setting can be had otherwise, now and at the next boot", async () => {
  const vars = { sysctl: { "vm.swappiness": 1, "net.ipv4.tcp_slow_start_after_idle": 1 } };
  const items = await resolve(factsOf("raspios-bookworm.txt"), ["tuning"], vars);
  expect(valueOf(items, "sysctl:vm.swappiness")).toMatchObject({ value: "1" });
  expect(valueOf(items, "sysctl:kernel.panic")).toMatchObject({ value: "10" });
  const { content } = valueOf(items, "file:/etc/sysctl.d/60-imcloud.conf") as { content: string };
  expect(content).toContain("\nvm.swappiness = 1\n");
  expect(content).toContain("\nnet.ipv4.tcp_slow_start_after_idle = 1\n");
  expect(content).toContain("\nkernel.panic = 10\n");
});
