/**
 * The files that boards get, given to the programs that will read them, where this machine has those programs.
 *
 * RabbitMQ itself boots with its settings in test/e2e; here is what is cheap: Erlang's parser, systemd, apt.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { releaseOf } from "../../../src/board/facts.js";
import { RELEASES } from "../../../src/shared/releases.js";
import { FACTS_FILES, SHIPPED, factsOf, resolveShipped } from "./shipped.js";

const has = (program: string): boolean => spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "imcloud-readers-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, content: string): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

/** What the releases get at a path: equal texts are one. */
async function contentsOf(path: string): Promise<readonly string[]> {
  const texts = new Set<string>();
  for (const name of FACTS_FILES.filter((each) => factsOf(each).arch !== "armhf")) {
    const facts = factsOf(name);
    const { rabbitmq = expect.fail() } = RELEASES[releaseOf(facts)] ?? {};
    const installed = { ...facts, packages: { "rabbitmq-server": rabbitmq } };
    const all = await Promise.all(
      Object.values(SHIPPED).map((playbooks) => resolveShipped(installed, playbooks)),
    );
    for (const item of all.flat()) {
      if (item.kind !== "resource") continue;
      const desired = item.resource.desired as { readonly path?: string; readonly content?: unknown };
      if (desired.path === path && typeof desired.content === "string") texts.add(desired.content);
    }
  }
  expect(texts.size, path).toBeGreaterThan(0);
  return [...texts];
}

test.runIf(has("erl"))("Erlang reads the settings of the old broker as one list of terms", async () => {
  for (const text of await contentsOf("/etc/rabbitmq/rabbitmq.config")) {
    const file = write("rabbitmq.config", text);
    const read =
      'case file:consult(hd(init:get_plain_arguments())) of {ok,[[{rabbit,L}]]} -> io:format("~w", [length(L)]); E -> io:format("~p", [E]) end, halt().';
    const { stdout } = spawnSync("erl", ["-noinput", "-boot", "start_clean", "-eval", read, "-extra", file], {
      encoding: "utf8",
    });
    expect(stdout).toBe("5");
  }
});

const PLUGINS = "/usr/lib/rabbitmq/lib";
const plugins = existsSync(PLUGINS)
  ? readdirSync(PLUGINS).map((version) => join(PLUGINS, version, "plugins"))
  : [];

test.runIf(has("erl") && plugins.length > 0)(
  "RabbitMQ's own schema knows every key, and no option takes the defaults of its neighbours away",
  async () => {
    const [folder = ""] = plugins;
    const of = (name: string) =>
      join(folder, readdirSync(folder).find((one) => one.startsWith(name)) ?? name);
    const paths = ["cuttlefish-", "getopt-", "rabbit-", "rabbit_common-", "rabbitmq_prelaunch-"];
    const schemas = [
      `${of("rabbit-")}/priv/schema/rabbit.schema`,
      `${of("rabbitmq_prometheus-")}/priv/schema/rabbitmq_prometheus.schema`,
    ];
    const map =
      '[F|S] = init:get_plain_arguments(), io:format("~w", [cuttlefish_generator:map(cuttlefish_schema:files(S), cuttlefish_conf:file(F))]), halt().';
    const read = (text: string) =>
      spawnSync(
        "erl",
        [
          "-noinput",
          ...paths.flatMap((name) => ["-pa", `${of(name)}/ebin`]),
          "-eval",
          map,
          "-extra",
          write("rabbitmq.conf", text),
          ...schemas,
        ],
        { encoding: "utf8" },
      ).stdout;
    const limits = await contentsOf("/etc/rabbitmq/conf.d/60-imcloud-limits.conf");
    for (const text of limits) expect(read(text)).toMatch(/\{vm_memory_high_watermark,\{absolute,\d+\}\}/);
    for (const text of await contentsOf("/etc/rabbitmq/rabbitmq.conf")) {
      const terms = read(text);
      expect(terms).not.toMatch(/^\{error|invalid/);
      for (const option of ["{backlog,1024}", "{nodelay,true}", "{linger,{true,0}}", "{exit_on_close,false}"])
        expect(terms, text).toContain(option);
    }
    expect(read("tcp_listen_option.backlog = 1\n")).toContain("error");
  },
);

const UNITS = "/etc/systemd/system";

test.runIf(has("systemd-analyze"))(
  "systemd finds nothing to say about the units and their drop-ins",
  async () => {
    for (const program of ["/opt/imcloud/bun", "/bin/kill"]) chmodSync(write(program, ""), 0o755);
    // What the packages bring, as far as the drop-ins need it.
    write(`${UNITS}/rabbitmq-server.service`, "[Service]\nExecStart=/bin/kill\n");
    write(`${UNITS}/epmd.service`, "[Service]\nExecStart=/bin/kill\n");
    write(`${UNITS}/epmd.socket`, "[Socket]\nListenStream=4369\n");
    write(`${UNITS}/systemd-time-wait-sync.service`, "[Service]\nType=oneshot\nExecStart=/bin/kill\n");
    for (const [unit, path] of [
      ["imcloud-server.service", `${UNITS}/imcloud-server.service`],
      ["kafka.service", `${UNITS}/kafka.service`],
      ["rabbitmq-server.service", `${UNITS}/rabbitmq-server.service.d/imcloud.conf`],
      ["epmd.socket", `${UNITS}/epmd.socket.d/imcloud.conf`],
      ["systemd-time-wait-sync.service", `${UNITS}/systemd-time-wait-sync.service.d/imcloud.conf`],
    ] as const) {
      for (const text of await contentsOf(path)) {
        const java = /^ExecStart=(\/usr\/lib\/jvm\/\S+)/m.exec(text)?.[1];
        if (java !== undefined) chmodSync(write(java, ""), 0o755);
        write(path, text);
        expect(verify(unit), text).toEqual({ status: 0, said: "" });
      }
    }

    // The proof that it looks.
    write(`${UNITS}/epmd.socket.d/imcloud.conf`, "[Socket]\nListenStreams=4369\n");
    expect(verify("epmd.socket").said).toContain("Unknown key");
  },
);

function verify(unit: string): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(
    "systemd-analyze",
    ["verify", "--man=no", "--recursive-errors=no", `--root=${root}`, unit],
    { encoding: "utf8" },
  );
  return { status, said: stdout + stderr };
}

test.runIf(has("shellcheck"))("shellcheck finds nothing to say about the commands", async () => {
  for (const name of ["imcloud-server", "imcloud-kafka"]) {
    for (const text of await contentsOf(`/usr/local/bin/${name}`)) {
      const { stdout, status } = spawnSync("shellcheck", ["-s", "dash", write(name, text)], {
        encoding: "utf8",
      });
      expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
    }
  }
});

test.runIf(has("apt-config"))("apt reads its own settings, and who is not updated by a timer", async () => {
  for (const text of await contentsOf("/etc/apt/apt.conf.d/52imcloud-updates")) {
    const { stdout, status } = spawnSync("apt-config", ["-c", write("updates", text), "dump"], {
      encoding: "utf8",
    });
    expect(status).toBe(0);
    expect(stdout).toContain('Unattended-Upgrade::Package-Blacklist:: "rabbitmq-server";');
    expect(stdout).toContain('APT::Periodic::Unattended-Upgrade "1";');
  }
});
