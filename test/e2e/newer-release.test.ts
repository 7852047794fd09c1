/**
 * The whole way on the next release: Debian 13's own systemd 257, apt 3, OpenSSH 10, RabbitMQ 4.0 and Erlang 27.
 */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compareManifests } from "../../src/lab/manifest.js";
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { amqpListener } from "./amqp-listener.js";
import { twoPeopleChat } from "./chat.js";
import { operator, type Operator } from "./operator.js";
import { settledFiles } from "./wishes.js";

let board: VirtualBoard;
let home: Operator;
let bare: ReadonlySet<string>;
beforeAll(async () => {
  board = await virtualBoard("pi-13", { suite: "debian-trixie" });
  bare = new Set(settledFiles(await board.manifest()));
  home = await operator({
    boards: [board],
    config: {
      vars: { amqp_tls_port: 5671, amqp_readers: [{ name: "shop", password: "{{ secrets.shop_amqp }}" }] },
    },
    secrets: { shop_amqp: "shop-canary-1" },
  });
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await board[Symbol.asyncDispose]();
});

test("`plan` changes nothing, `apply` brings everything up, and then there is nothing to do", async () => {
  const before = await board.manifest();
  expect((await home.imcloud("plan")).exitCode).toBe(2);
  expect(compareManifests(before, await board.manifest())).toEqual([]);

  const first = await home.imcloud("apply", "--yes");
  expect(first.exitCode, first.stderr).toBe(0);
  const second = await home.imcloud("apply", "--yes", "--json");
  const { "pi-13": report } = second.json["boards"] as Record<string, unknown>;
  expect(report).toMatchObject({ outcome: "unchanged", execs: 1 });
});

test("its broker is the one that the table of releases names, and knows every setting", async () => {
  expect(await board.sh("rabbitmqctl -q eval 'rabbit:base_product_version().'")).toMatch(/^"4\.0\./);
  expect(await board.sh("rabbitmqctl -q eval 'vm_memory_monitor:get_vm_memory_high_watermark().'")).toBe(
    "{absolute,1610612736}",
  );
  expect(await board.sh("rabbitmqctl -q list_users --no-table-headers | cut -f 1")).toBe(
    "imcloud-server\nshop",
  );
  const left = await board.sh("ls -A /var/lib/rabbitmq | grep imcloud-reading || :");
  expect(left).toBe("");
});

test("two people chat, and a shop's program hears all of it from elsewhere, by the authority's certificate", async () => {
  const reader = {
    ...{ AMQP_HOST: board.address, AMQP_PORT: "5671", AMQP_USER: "shop", AMQP_PASSWORD: "shop-canary-1" },
    AMQP_CA: join(home.folder, ".imcloud", "authority", "ca.pem"),
  };
  const listener = await amqpListener([], reader);
  const { sent } = await twoPeopleChat(board, home);
  expect(sent).toHaveLength(2);
  await listener.until((events) => sent.every((id) => events.some(({ event }) => event.event_id === id)));
  await listener.stop();
  expect(await board.sh("rabbitmqctl -q list_user_permissions shop --no-table-headers")).toBe(
    ["imcloud", "^shop\\.", "^shop\\.", "^(shop\\..*|imcloud\\.events)$"].join("\t"),
  );
  await expect(amqpListener([], { ...reader, AMQP_PASSWORD: "wrong" })).rejects.toThrow("ended with 1");
});

test("`health` has nothing serious to say", async () => {
  const { json } = await home.imcloud("health", "--json");
  const { findings } = (json["boards"] as Record<string, { findings: { check: string; verdict: string }[] }>)[
    "pi-13"
  ] ?? { findings: [] };
  expect(findings.length).toBeGreaterThan(15);
  // A virtual board has its machine's load; security updates come out every day.
  const serious = findings.filter(
    ({ check, verdict }) => check !== "load" && (verdict === "critical" || verdict === "unknown"),
  );
  expect(serious).toEqual([]);
});

test("`tune --measure` says how fast disk and broker are, and compares with last time", async () => {
  const tune = async () => {
    const { exitCode, stderr, json } = await home.imcloud("tune", "--measure", "--yes", "--json");
    expect(exitCode, stderr).toBe(0);
    return (
      json["boards"] as Record<string, { before: Record<string, number>; after: Record<string, number> }>
    )["pi-13"];
  };
  const first = await tune();
  expect(first?.before).toEqual({});
  expect(Object.keys(first?.after ?? {}).toSorted()).toEqual(
    ["brokerP99Ms", "brokerPerS", "fsyncP99Ms", "headroomMb", "syncMs", "writeMbS"].toSorted(),
  );
  expect(first?.after["brokerPerS"]).toBeGreaterThan(100);
  expect((await tune())?.before).toEqual(first?.after);
  expect(
    await board.sh("rabbitmqctl -q list_queues name --no-table-headers; ls -A /var/lib/imcloud-server"),
  ).not.toContain("measure");
});

test("`destroy` leaves nothing of imcloud's behind", async () => {
  const destroyed = await home.imcloud("destroy", "pi-13", "--yes", "pi-13", "--purge-data");
  expect(destroyed.exitCode, destroyed.stderr).toBe(0);
  // Debian's packages leave their accounts behind when they go.
  const accounts = /^[0-9a-f]{64} {2}\/etc\/(passwd|shadow|group|gshadow)$/;
  const left = settledFiles(await board.manifest()).filter((row) => !bare.has(row) && !accounts.test(row));
  expect(left).toEqual([]);
});
