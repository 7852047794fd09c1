/**
 * The network's queues on a board whose kernel has neither cake nor fq_codel: the last step of the ladder, for real.
 * What a kernel with everything makes of it is in test/fault/qos.test.ts, on an emulated board.
 */
import { connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import { virtualBoard } from "../../src/lab/virtual-board.js";
import { operator } from "./operator.js";

const ROOT =
  "tc qdisc show dev eth0 root | head -n 1 | cut -d ' ' -f 1-4; tc class show dev eth0 | sed 's/ leaf [0-9a-f]*:/ leaf/' | sort";
const LEFT =
  "tc qdisc show dev eth0 root | grep -c 1c1: || :; nft list tables; ls /etc/default/imcloud-qos /usr/local/sbin/imcloud-qos 2>/dev/null || :";

const SERVED_BYTES = 100_000;
/** One client gets its bytes; it is there when the port listens. */
const SERVE_ONCE = `
systemd-run --quiet --collect --unit=imtest-serve perl -MIO::Socket::INET -e '
  $s = IO::Socket::INET->new(LocalPort => 8448, Listen => 1) or die; $c = $s->accept; print $c "x" x ${SERVED_BYTES}'
until grep -q ':2100 [0-9A-F]*:0000 0A ' /proc/net/tcp; do sleep 0.05; done`;

const cloud = (qos: Readonly<Record<string, unknown>>) => ({ cloud: { name: "test" }, vars: { qos } });

test("a rate without cake: htb and what leaves there are, also after a reboot; then all is as before", async () => {
  await using board = await virtualBoard("kitchen");
  const before = await board.sh("tc qdisc show dev eth0; ip -d link show dev eth0");
  await using home = await operator({
    boards: [board],
    playbooks: ["qos"],
    config: cloud({ uplink: "20mbit" }),
  });

  const applied = await home.imcloud("apply", "--yes", "--json");
  expect(applied.exitCode, applied.stderr).toBe(0);
  const classes = async () => board.sh(ROOT);
  const shaped = await classes();
  expect(shaped).toContain("qdisc htb 1c1: root");
  expect(shaped).toContain("rate 9500Kbit ceil 19Mbit");
  expect(await board.sh("nft list table inet imcloud_qos")).toContain("dscp set af41");
  expect(await board.sh("ip -d link show dev eth0")).toContain(" gso_max_segs 1 ");
  expect(await board.sh("systemctl is-active imcloud-qos; cat /run/imcloud-qos/state")).toContain("kind=htb");

  // Nothing left to do: one exec, and the health check names the queue.
  const settled = await home.imcloud("plan", "--json");
  expect(settled.exitCode, settled.stdout).toBe(0);
  const health = await home.imcloud("health", "--json");
  expect(health.json).toMatchObject({
    boards: {
      kitchen: {
        findings: expect.arrayContaining([
          expect.objectContaining({ check: "link", verdict: "ok", summary: "eth0, shaped by htb" }),
        ]) as unknown,
      },
    },
  });

  // What a client gets is marked, and goes through the class for chat.
  await board.reboot();
  expect(await classes()).toBe(shaped);
  const sentAsChat = async (): Promise<number> => {
    const { json } = await home.imcloud("qos", "status", "--json");
    const { classes: all } = (json as { boards: { kitchen: { outward: { classes: Sent[] } } } }).boards
      .kitchen.outward;
    return all.find(({ name }) => name === "chat")?.sentBytes ?? Number.NaN;
  };
  const idle = await sentAsChat();
  await board.sh(SERVE_ONCE);
  expect((await buffer(connect(8448, board.address))).length).toBe(SERVED_BYTES);
  expect(await sentAsChat()).toBeGreaterThan(idle + SERVED_BYTES);

  // With the line full, a connection is still answered.
  const { json } = await home.imcloud("qos", "status", "--measure", "--json");
  const { latency } = (json as { boards: { kitchen: { latency: Measured } } }).boards.kitchen;
  expect(latency.loadKbit).toBeLessThan(19_000);
  expect(latency.loadKbit).toBeGreaterThan(5_000);
  expect(latency.loaded).toMatchObject({ lost: 0 });

  // Somebody else's queue is seen, and ours comes back.
  await board.sh("tc qdisc replace dev eth0 root pfifo");
  expect((await home.imcloud("health")).stdout).toContain("the queue of eth0 is pfifo");
  expect((await home.imcloud("apply", "--yes")).exitCode).toBe(0);
  expect(await classes()).toBe(shaped);

  const gone = await home.imcloud("destroy", "kitchen", "--yes", "kitchen");
  expect(gone.exitCode, gone.stderr).toBe(0);
  expect(await board.sh("tc qdisc show dev eth0; ip -d link show dev eth0")).toBe(
    before.replace(/@if\d+/, /@if\d+/.exec(await board.sh("ip link show dev eth0"))?.[0] ?? ""),
  );
  expect(await board.sh(LEFT)).toBe("0");
});

test("inward by ifb; what this board cannot do is said, and nothing of it stays", async () => {
  await using board = await virtualBoard("attic");
  const before = await board.sh("tc qdisc show dev eth0");
  await using home = await operator({
    boards: [board],
    playbooks: ["qos"],
    config: cloud({ uplink: "20mbit", downlink: "100mbit" }),
  });
  expect((await home.imcloud("apply", "--yes")).exitCode).toBe(0);
  expect(await board.sh("tc qdisc show dev eth0; tc qdisc show dev ifb-imcloud")).toMatch(
    /htb 1c1:[^]*ingress ffff:[^]*htb 1c2:/,
  );

  // An interface that is not there is named, with those that are.
  await home.write(
    "imcloud.yaml",
    (await home.read("imcloud.yaml")).replace(/^ +downlink: .*$/m, "    device: eth7"),
  );
  const unknown = await home.imcloud("plan");
  expect(unknown.stdout + unknown.stderr).toContain("there is no network interface `eth7`; there are: eth0");

  // Without a rate there is nothing left that this kernel has.
  await home.write(
    "imcloud.yaml",
    (await home.read("imcloud.yaml")).replace(/^ +uplink: .*$/m, "").replace("eth7", "eth0"),
  );
  const none = await home.imcloud("apply", "--yes");
  expect(none.exitCode).toBe(4);
  expect(none.stderr).toContain("none of these can be had on eth0: cake htb fq_codel");
  expect(await board.sh("tc qdisc show dev eth0; ip -o link show type ifb")).toBe(before);
});

interface Measured {
  readonly loadKbit: number;
  readonly loaded: { readonly p95Ms: number; readonly lost: number };
}

interface Sent {
  readonly name: string;
  readonly sentBytes: number;
}
