/**
 * What the network can reach: sockets that listen beyond this machine, less what a firewall keeps out.
 * Source: ss(8), nft(8), iptables(8), ufw's `user.rules`.
 */
import { lines, sh } from "../../board/script.js";
import { fail, ok, unknown, warn, type HealthCheck, type Judgement } from "../check.js";

/** Of a broker: they trust whoever comes, or nearly so. */
const BROKERS = ["beam.smp", "epmd", "java"];
/** Programs that are there to be reached, and whose they are. */
const OWN: ReadonlyMap<string, readonly string[]> = new Map([
  ["bun", ["imserver"]],
  ["turnserver", ["calls"]],
]);
/**
 * RabbitMQ's client of syslog, which runs in some starts and not in others, though nobody uses it: it sends from a
 * socket that is bound to no peer, and serves nobody.
 * Source: `erlang:ports()` of RabbitMQ 3.10 names `syslog_logger`; RabbitMQ documentation, "Networking": it serves by
 * TCP alone; ip(7), `ip_local_port_range`.
 */
const isSyslogClient = ({ protocol, port, program }: Socket): boolean =>
  protocol === "udp" && program === "beam.smp" && port >= 32_768;
/** What the network itself needs; no role and no person asked for it. By protocol and port. */
const NETWORK: ReadonlySet<string> = new Set(["udp 68", "udp 546", "udp 5353"]);

export const ports: HealthCheck = {
  id: "ports",
  title: "Open ports",

  probe: () =>
    lines([
      sh`
command -v ss > /dev/null || exit 1
! command -v sshd > /dev/null || sshd -T 2> /dev/null | sed -n 's/^port /ssh|/p'`,
      firewallProbe,
      sh`ss -H -tulnp | sed 's/^/ss|/'; echo 'end|'`,
    ]),

  judge({ stdout, exitCode }, { playbooks }): Judgement {
    const rows = stdout.split("\n").map((line) => line.split("|"));
    const after = (word: string) => rows.flatMap(([first, rest = ""]) => (first === word ? [rest] : []));
    if (exitCode !== 0 || after("end").length === 0)
      return unknown("the board does not tell what listens", {
        hint: "see whether `ss` is there: `iproute2`",
      });
    const listening = after("ss")
      .flatMap(parse)
      .filter((socket) => !isSyslogClient(socket))
      .toSorted((one, other) => one.port - other.port);
    const isLetIn = within({ tcp: after("open").map(rangeOf), udp: after("open udp").map(rangeOf) });
    const open = after("closed").length === 0 ? listening : listening.filter(isLetIn);
    const sshPorts = after("ssh").map(Number);
    const unexpected = open.filter(({ protocol, port, program }) => {
      if (NETWORK.has(`${protocol} ${port}`)) return false;
      if (program === "sshd" || (program === "systemd" && sshPorts.includes(port))) return false;
      return !(OWN.get(program) ?? []).some((playbook) => playbooks.includes(playbook));
    });
    // Let in by name: somebody asked for it.
    const unasked = unexpected.filter((socket) => !isLetIn(socket));
    const measured = inWords(open);
    const brokers = unasked.filter(({ program }) => BROKERS.includes(program));
    if (brokers.length > 0) {
      return fail(`the network reaches a broker: ${inWords(brokers)}`, {
        measured,
        hint: "put `hardening` into `playbooks:`, which closes them; or bind them to 127.0.0.1",
      });
    }
    if (unasked.length > 0) {
      return warn(`nobody asked for ${inWords(unasked)}`, {
        measured,
        hint: "stop what listens there, or put `hardening` into `playbooks:`, which closes what no role needs",
      });
    }
    return ok(open.length === 0 ? "none" : measured);
  },
};

/**
 * Prints `closed|` where a firewall of imcloud's or ufw is in force, and for each port that it lets in `open|PORT` or
 * `open udp|PORT`, or `open udp|FIRST-LAST`.
 */
export const firewallProbe = sh`
if command -v nft > /dev/null && nft list chain inet imcloud input > /dev/null 2>&1; then
  echo 'closed|'
  nft list chain inet imcloud input | sed -n 's/.*tcp dport {* *\([0-9, ]*[0-9]\) *}* accept.*/\1/p' | tr -s ', ' '\n' | sed 's/^/open|/'
  nft list chain inet imcloud input | sed -n 's/.*udp dport {* *\([0-9, -]*[0-9]\) *}* accept$/\1/p' | tr -s ', ' '\n' | sed 's/^/open udp|/'
fi
if command -v iptables > /dev/null && iptables -w -C INPUT -j IMCLOUD_INPUT 2> /dev/null; then
  echo 'closed|'
  iptables -w -S IMCLOUD_INPUT | sed -n -e 's/.*-p tcp.* --dport \([0-9]*\) -j ACCEPT$/open|\1/p' -e 's/.*-p udp.* --dport \([0-9:]*\) -j ACCEPT$/open udp|\1/p'
fi
if grep -qs '^ENABLED=yes' /etc/ufw/ufw.conf; then
  echo 'closed|'
  sed -n -e 's/^### tuple ### allow udp \([0-9:]*\) .*/open udp|\1/p' -e t -e 's/^### tuple ### allow [a-z]* \([0-9]*\) .*/open|\1/p' /etc/ufw/user.rules
fi`;

interface Socket {
  readonly protocol: string;
  readonly port: number;
  readonly program: string;
}

/** @example 'tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))' */
function parse(line: string): readonly Socket[] {
  const [protocol = "", , , , local = "", , ...rest] = line.trim().split(/\s+/);
  const [, address = "", port = ""] = /^(.*):(\d+)$/.exec(local) ?? [];
  if (port === "" || /^(127\.|\[::1\]|\[::ffff:127\.)/.test(address)) return [];
  const program = /\(\("([^"]+)"/.exec(rest.join(" "))?.[1] ?? "the kernel";
  return [{ protocol, port: Number(port), program }];
}

/** First and last port of what a rule lets in. */
type Range = readonly [number, number];

function rangeOf(rule: string): Range {
  const [first = NaN, last = first] = rule.split(/[:-]/).map(Number);
  return [first, last];
}

const within =
  (open: Readonly<Record<string, readonly Range[]>>) =>
  ({ protocol, port }: Socket): boolean =>
    NETWORK.has(`${protocol} ${port}`) ||
    (open[protocol] ?? []).some(([first, last]) => first <= port && port <= last);

/** Each once, though it listens on IPv4 and IPv6. */
function inWords(all: readonly Socket[]): string {
  const words = all.map(({ protocol, port, program }) => `${port}/${protocol} (${program})`);
  return [...new Set(words)].join(", ");
}
