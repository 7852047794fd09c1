/** The playbook `calls`: what the relay goes by, and what the IM server tells of it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "../../../src/config/load.js";
import { loadSecrets } from "../../../src/config/secrets.js";
import { parseYaml } from "../../../src/config/yaml-file.js";
import { resolverOf } from "../../../src/fleet/resolver.js";
import { workspaceAt } from "../../../src/fleet/workspace.js";
import { Secret } from "../../../src/shared/secret.js";
import { factsOf, resolveShipped } from "./shipped.js";

const BOOKWORM = factsOf("raspios-bookworm.txt");
interface File {
  readonly path?: string;
  readonly content?: unknown;
}
type Resolved = Awaited<ReturnType<typeof resolveShipped>>;

function textOf(items: readonly Resolved[number][], path: string): string | undefined {
  const files = items.flatMap((item) => (item.kind === "resource" ? [item.resource.desired as File] : []));
  const content = files.find((file) => file.path === path)?.content;
  return content instanceof Secret ? content.reveal() : (content as string | undefined);
}

test("the relay asks for passwords that the server makes, and relays nothing to the board itself", async () => {
  const lines = textOf(await resolveShipped(BOOKWORM, ["calls"]), "/etc/turnserver.conf")?.split("\n");
  expect(lines).toEqual(
    expect.arrayContaining([
      ...["use-auth-secret", "static-auth-secret=canary-turn_secret", "realm=home.home.arpa"],
      ...["min-port=49152", "max-port=49407", "no-tcp-relay", "denied-peer-ip=127.0.0.0-127.255.255.255"],
    ]),
  );
  expect(lines?.filter((line) => line.startsWith("external-ip"))).toEqual([]);
});

test("its ports, the address outside and more that nobody is relayed to can be given", async () => {
  const vars = {
    turn_ports: [50_000, 50_099],
    turn_external_ip: "203.0.113.7",
    turn_denied: ["10.0.9.0-10.0.9.255"],
  };
  const text = textOf(await resolveShipped(BOOKWORM, ["calls"], vars), "/etc/turnserver.conf");
  for (const line of [
    ...["min-port=50000", "max-port=50099"],
    ...["external-ip=203.0.113.7", "denied-peer-ip=10.0.9.0-10.0.9.255"],
  ])
    expect(text?.split("\n")).toContain(line);
});

/** What the server on `attic` is told. */
async function callsOf(boards: string): Promise<{ readonly calls?: unknown; readonly secret?: unknown }> {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-calls-"));
  try {
    const text = `version: 1\ncloud: { name: home }\nboards:\n${boards}`;
    const config = readConfig(parseYaml(text, join(folder, "imcloud.yaml")));
    const board = config.boards.find(({ name }) => name === "attic") ?? expect.fail("no board");
    const items = await resolverOf({
      ...{ config, board, secrets: await loadSecrets(config, {}), workspace: workspaceAt(folder) },
      ...{ fetching: () => undefined, onlyLooking: true },
    })(BOOKWORM);
    const { calls } = JSON.parse(textOf(items, "/etc/imcloud/server.json") ?? "{}") as { calls?: unknown };
    return { calls, secret: textOf(items, "/etc/imcloud/secrets/turn") };
  } finally {
    await rm(folder, { recursive: true });
  }
}
const uris = (...hosts: readonly string[]) =>
  hosts.flatMap((host) => ["udp", "tcp"].map((by) => `turn:${host}:3478?transport=${by}`));

test("the server tells of no relay where there is none", async () => {
  expect(await callsOf("  attic: { playbooks: [imserver] }\n")).toEqual({});
});

test.each([
  ["on its own board", "  attic: { address: 10.0.0.4, playbooks: [imserver, calls] }\n", ["10.0.0.4"]],
  ["by IPv6", '  attic: { address: "fd00::4", playbooks: [imserver, calls] }\n', ["[fd00::4]"]],
  [
    "on another board, by the name that it is given",
    "  attic: { playbooks: [imserver] }\n  hall: { playbooks: [calls], vars: { turn_host: turn.example.org } }\n",
    ["turn.example.org"],
  ],
  [
    "on two boards",
    "  attic: { address: 10.0.0.4, playbooks: [imserver, calls] }\n  hall: { address: 10.0.0.5, playbooks: [calls] }\n",
    ["10.0.0.4", "10.0.0.5"],
  ],
])("the server tells of a relay %s", async (_title, boards, hosts) => {
  expect(await callsOf(boards)).toEqual({
    calls: {
      turn: { uris: uris(...hosts), secretFile: "/etc/imcloud/secrets/turn" },
      livekitServiceUrls: [],
    },
    secret: "",
  });
});

test("media servers for calls of many are told of without a relay", async () => {
  expect(
    await callsOf(
      "  attic: { playbooks: [imserver], vars: { livekit_urls: [https://rtc.example.org/livekit/jwt] } }\n",
    ),
  ).toEqual({ calls: { livekitServiceUrls: ["https://rtc.example.org/livekit/jwt"] } });
});
