/**
 * The law: what a run costs grows with what it changes, never with what it looks at.
 */
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { operator } from "../e2e/operator.js";
import { compared, inTurns, PAIRS, timed, type Bench } from "./metric.js";
import { apply, settle } from "./settled.js";

const WIDE = 200;
/** The last lines of {@link wideTasks}, with what the shipped playbooks say. */
const SINGLE = 32;
/** Theirs are the types that need a broker or an artifact. */
const SHIPPED = ["base", "rabbitmq", "imserver"];

export const noopWide: Bench = {
  name: "noop-wide",
  summary: "nothing to change on one board: 200 resources of every type against 10",

  async run(report, say) {
    await using board = await virtualBoard("wide");
    await using wide = await home(board, wideTasks(WIDE), SHIPPED);
    say(`applying ${WIDE} resources once, RabbitMQ and the IM server among them`);
    await settle(wide);
    // The same board, so that what runs there disturbs both.
    await using narrow = await home(board, wideTasks(WIDE).slice(0, 10), []);
    await settle(narrow);
    const pairs = await inTurns(
      PAIRS,
      () => timed(() => apply(wide)),
      () => timed(() => apply(narrow)),
    );
    report(
      compared(
        { bench: "noop-wide", metric: `${WIDE} / 10 resources`, unit: "ms", goal: { atMost: 1.5 } },
        pairs,
      ),
    );
  },
};

async function home(board: VirtualBoard, tasks: readonly string[], shipped: readonly string[]) {
  const playbook = `description: resources of every type\ntasks:\n${tasks.map((task) => `  ${task}\n`).join("")}`;
  return operator({
    boards: [board],
    playbooks: [...shipped, "wide"],
    files: { "playbooks/wide.yaml": playbook },
  });
}

/** One line of a playbook each. */
function wideTasks(count: number): readonly string[] {
  const each: readonly ((index: number) => string)[] = [
    (index) => `- user: { name: bench-${index}, home: /var/lib/bench-${index} }`,
    (index) => `- directory: { path: /etc/bench-${index}, mode: "0755" }`,
    (index) => `- file: { path: /etc/bench-${index}.conf, content: "index = ${index}\\n" }`,
    (index) => `- line: { path: /etc/bench-lines-${index}, line: "line ${index}" }`,
    (index) =>
      `- sysctl: { key: net.ipv4.conf.eth0.${INTERFACE_KEYS[index] ?? "arp_filter"}, value: "${index % 2}" }`,
    (index) =>
      `- command: { name: mark-${index}, unless: test -e /etc/mark-${index}, run: touch /etc/mark-${index} }`,
    (index) =>
      `- file: { path: /usr/local/share/bench-${index}, content: "{{ board.name }} ${index}\\n", mode: "0600" }`,
  ];
  const perType = Math.floor((count - SINGLE) / each.length);
  const tasks = Array.from({ length: perType }, (_, index) => each.map((task) => task(index))).flat();
  return [
    ...new Set(tasks),
    "- package: { names: [cron, sudo, procps] }",
    "- service: { unit: cron.service }",
    '- apt-repository: { name: bench, uris: ["file:///srv/bench"], suites: [x], components: [main], key: "-----BEGIN PGP PUBLIC KEY BLOCK-----" }',
  ];
}

/** Parameters that a network interface has of its own, all of them switches. */
const INTERFACE_KEYS = [
  "accept_redirects",
  "accept_source_route",
  "arp_accept",
  "arp_announce",
  "arp_filter",
  "arp_ignore",
  "arp_notify",
  "bootp_relay",
  "disable_policy",
  "disable_xfrm",
  "ignore_routes_with_linkdown",
  "log_martians",
  "promote_secondaries",
  "proxy_arp",
  "proxy_arp_pvlan",
  "route_localnet",
  "rp_filter",
  "secure_redirects",
  "send_redirects",
  "shared_media",
  "src_valid_mark",
  "tag",
  "drop_gratuitous_arp",
  "drop_unicast_in_l2_multicast",
];
