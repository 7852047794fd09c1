/**
 * The network's queues on a kernel that has them all: an emulated board's, which is a release's own.
 *
 * IMCLOUD_FAULT=long also reboots.
 */
import { connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { emulatedBoard, type EmulatedBoard } from "../../src/lab/emulated-board.js";
import { operator, type Operator } from "../e2e/operator.js";
import { BUILD_MS, describeEmulated, IS_LONG, STEP_MS } from "./emulated.js";

const PORT = 8448;
/** More than a megabyte, from which on a connection that hurries is a film. */
const CHAT_BYTES = 100_000;
const FILM_BYTES = 4_000_000;

interface Sent {
  readonly name: string;
  readonly sentBytes: number;
}
interface Way {
  readonly kind: string;
  readonly isOurs: boolean;
  readonly rateKbit: number;
  readonly classes: readonly Sent[];
}

describeEmulated("queues", () => {
  let board: EmulatedBoard;
  let home: Operator;

  beforeAll(async () => {
    board = await emulatedBoard("pi-1", { forwards: [PORT] });
    home = await operator({
      boards: [board],
      playbooks: ["qos"],
      config: {
        cloud: { name: "test" },
        // An emulated CPU that shares its core takes longer than a person would wait.
        vars: { qos: { uplink: "20mbit", downlink: "40mbit" }, confirm_within: 600 },
      },
    });
  }, BUILD_MS);
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await board[Symbol.asyncDispose]();
  });

  const status = async (): Promise<{ readonly outward: Way; readonly inward: Way }> => {
    const { json, stderr } = await home.imcloud("qos", "status", "--json");
    const { boards } = json as { boards: Readonly<Record<string, { outward: Way; inward: Way }>> };
    return boards["pi-1"] ?? expect.fail(stderr);
  };
  const sent = ({ classes }: Way) =>
    Object.fromEntries(classes.map(({ name, sentBytes }) => [name, sentBytes]));

  /** One client takes so many bytes from the IM server's port. */
  const download = async (bytes: number): Promise<void> => {
    await board.sh(`
systemd-run --quiet --collect --unit=imtest-serve perl -MIO::Socket::INET -e '
  $s = IO::Socket::INET->new(LocalPort => ${PORT}, Listen => 1, ReuseAddr => 1) or die; $c = $s->accept;
  for (my $left = ${bytes}; $left > 0; $left -= 50_000) { print $c "x" x 50_000 }'
until grep -q ':2100 [0-9A-F]*:0000 0A ' /proc/net/tcp; do sleep 0.1; done`);
    expect((await buffer(connect(PORT, board.address))).length).toBe(bytes);
  };

  test(
    "cake outward, cake inward through ifb, and every byte in its tin",
    async () => {
      const applied = await home.imcloud("apply", "--yes", { deadlineMs: STEP_MS });
      expect(applied.exitCode, applied.stderr).toBe(0);
      await download(CHAT_BYTES);
      const chatted = await status();
      expect(chatted.outward).toMatchObject({ kind: "cake", isOurs: true, rateKbit: 19_000 });
      expect(chatted.inward).toMatchObject({ kind: "cake", isOurs: true, rateKbit: 38_000 });
      expect(sent(chatted.outward)["video"]).toBeGreaterThan(CHAT_BYTES);
      expect(sent(chatted.outward)["bulk"]).toBe(0);

      await download(FILM_BYTES);
      const filmed = await status();
      expect(sent(filmed.outward)["bulk"]).toBeGreaterThan(FILM_BYTES / 4);
      expect(sent(filmed.inward)["tin 0"]).toBeGreaterThan(sent(chatted.inward)["tin 0"] ?? Number.NaN);
    },
    STEP_MS,
  );

  test(
    "they outlive a cable that is pulled and an interface that goes down",
    async () => {
      await board.cutLink();
      await board.restoreLink();
      await board.untilReady();
      await board.sh("ip link set eth0 down; ip link set eth0 up");
      await board.untilReady();
      expect(await board.sh("tc qdisc show dev eth0 root")).toMatch(/^qdisc cake 1c1: /);
    },
    STEP_MS,
  );

  test(
    "htb with fq_codel where cake is not wanted, with a class for chat",
    async () => {
      await board.sh("sed -i 's/^QOS_KINDS=.*/QOS_KINDS=htb/' /etc/default/imcloud-qos; imcloud-qos start");
      expect(await board.sh("tc qdisc show dev eth0 | grep -c fq_codel")).toBe("3");
      await download(CHAT_BYTES);
      const { outward, inward } = await status();
      expect(outward).toMatchObject({ kind: "htb", isOurs: true, rateKbit: 19_000 });
      expect(inward).toMatchObject({ kind: "htb", isOurs: true, rateKbit: 38_000 });
      expect(sent(outward)["chat"]).toBeGreaterThan(CHAT_BYTES);
    },
    STEP_MS,
  );

  test.runIf(IS_LONG)(
    "they are there again after a reboot",
    async () => {
      await board.reboot();
      await board.sh("until systemctl is-active -q imcloud-qos; do sleep 0.5; done");
      expect((await status()).outward).toMatchObject({ kind: "htb", isOurs: true });
      expect(await board.sh("systemctl --failed --no-legend")).toBe("");
    },
    STEP_MS,
  );
});
