/**
 * The network's queues as they are now: what is set, what went through each class, what was dropped.
 *
 * tc's text and not its JSON: Ubuntu 18.04's tc has JSON for little, and its text is the same ever since.
 * Sources: tc(8), tc-cake(8), tc-htb(8), iproute2's `print_size`.
 */
import { sh, type Script } from "../board/script.js";
import { QOS_HANDLES, QOS_IFB, QOS_SETTINGS } from "../resources/shaper.js";

export interface QueueClass {
  /** Of cake its own name; of htb what the class is for. */
  readonly name: string;
  readonly sentBytes: number;
  readonly sentPackets: number;
  readonly dropped: number;
  readonly backlogBytes: number;
}

export interface Queue {
  readonly device: string;
  /** The root's queue discipline: `cake`, `htb`, `fq_codel`, `mq` ... */
  readonly kind: string;
  /** Set by imcloud's own program. */
  readonly isOurs: boolean;
  /** Null: as fast as the interface goes. */
  readonly rateKbit: number | null;
  readonly classes: readonly QueueClass[];
}

export interface QueueReport {
  /** Whether the board has imcloud's settings for it. */
  readonly isConfigured: boolean;
  readonly outward: Queue | null;
  readonly inward: Queue | null;
  /** Whether what belongs to the IM cloud is marked. */
  readonly isMarked: boolean;
}

/** Prints everything that {@link parseQueues} reads. Read-only. */
export function queuesScript(): Script {
  return sh`
device=
if [ -r ${QOS_SETTINGS} ]; then
  echo 'configured|'
  device=$(sed -n 's/^QOS_DEVICE=//p' ${QOS_SETTINGS})
fi
[ -n "$device" ] || device=$(awk '$2 == "00000000" { print $1; exit }' /proc/net/route)
[ -n "$device" ] || device=$(awk 'FNR > 1 { print $1; exit }' /proc/net/route)
for d in $device ${QOS_IFB}; do
  [ -e "/sys/class/net/$d" ] || continue
  printf 'device|%s\n' "$d"
  tc -s qdisc show dev "$d" | sed 's/^/qdisc|/'
  tc -s class show dev "$d" | sed 's/^/class|/'
done
! command -v nft > /dev/null || nft list tables 2> /dev/null | sed 's/^/marks|/'
! command -v iptables > /dev/null || iptables -w -t mangle -S IMCLOUD_QOS 2> /dev/null | sed 's/^/marks|/'
echo 'end|'`;
}

/** @returns undefined when the board did not answer to the end */
export function parseQueues(stdout: string): QueueReport | undefined {
  const rows = stdout.split("\n").map((line) => {
    const at = line.indexOf("|");
    return { word: line.slice(0, at), rest: line.slice(at + 1) };
  });
  if (!rows.some(({ word }) => word === "end")) return undefined;
  const queues: Queue[] = [];
  for (const [index, { word, rest }] of rows.entries()) {
    if (word !== "device") continue;
    const after = rows.slice(index + 1);
    const end = after.findIndex((row) => row.word === "device");
    const own = end === -1 ? after : after.slice(0, end);
    const texts = (name: string) => own.flatMap((row) => (row.word === name ? [row.rest] : []));
    const queue = parseQueue(rest, texts("qdisc"), texts("class"));
    if (queue !== undefined) queues.push(queue);
  }
  return {
    isConfigured: rows.some(({ word }) => word === "configured"),
    outward: queues.find(({ device }) => device !== QOS_IFB) ?? null,
    inward: queues.find(({ device }) => device === QOS_IFB) ?? null,
    isMarked: rows.some(
      ({ word, rest }) => word === "marks" && /inet imcloud_qos|IMCLOUD_QOS.*-j DSCP/.test(rest),
    ),
  };
}

interface Block {
  readonly head: string;
  readonly body: readonly string[];
}

function parseQueue(
  device: string,
  qdiscs: readonly string[],
  classes: readonly string[],
): Queue | undefined {
  const all = blocks(qdiscs, /^qdisc /);
  const root = all.find(({ head }) => / root\b/.test(head));
  const [, kind, handle] = /^qdisc (\S+) (\S+) /.exec(root?.head ?? "") ?? [];
  if (root === undefined || kind === undefined) return undefined;
  const htb = kind === "htb" ? htbClasses(blocks(classes, /^class /), all) : undefined;
  return {
    device,
    kind,
    isOurs: handle === QOS_HANDLES.up || handle === QOS_HANDLES.down,
    rateKbit: htb?.rateKbit ?? kbitOf(/ bandwidth (\S+)/.exec(root.head)?.[1]),
    classes: htb?.classes ?? (kind === "cake" ? cakeTins(root) : [{ name: "all", ...countsOf([root]) }]),
  };
}

function blocks(lines: readonly string[], head: RegExp): readonly Block[] {
  const all: { head: string; body: string[] }[] = [];
  for (const line of lines) {
    if (head.test(line)) all.push({ head: line, body: [] });
    else all.at(-1)?.body.push(line);
  }
  return all;
}

/** @example " Sent 1514 bytes 1 pkt (dropped 0, overlimits 0 requeues 0)", " backlog 0b 0p requeues 0" */
function countsOf(all: readonly Block[]): Omit<QueueClass, "name"> {
  const sum = (pattern: RegExp, read: (text: string) => number): number =>
    all.reduce((total, { body }) => total + read(pattern.exec(body.join("\n"))?.[1] ?? "0"), 0);
  return {
    sentBytes: sum(/Sent (\d+) bytes/, Number),
    sentPackets: sum(/bytes (\d+) pkt/, Number),
    dropped: sum(/\(dropped (\d+),/, Number),
    backlogBytes: sum(/backlog (\d+[KMG]?b)\b/, bytesOf),
  };
}

/** The table's columns stand under their names, which may have a space within; `backlog` stands above it too. */
function cakeTins({ body }: Block): readonly QueueClass[] {
  const first = body.findIndex((line) => /^ +thresh /.test(line));
  const names = (body[first - 1] ?? "").trim().split(/\s{2,}/);
  const rows = new Map(
    body.slice(Math.max(first, 0)).map((line) => {
      const [name = "", ...cells] = line.trim().split(/\s+/);
      return [name, cells] as const;
    }),
  );
  const cell = (row: string, index: number): string => rows.get(row)?.[index] ?? "0";
  return names.map((name, index) => ({
    name: name.toLowerCase(),
    sentBytes: Number(cell("bytes", index)),
    sentPackets: Number(cell("pkts", index)),
    dropped: Number(cell("drops", index)),
    backlogBytes: bytesOf(cell("backlog", index)),
  }));
}

/** As imcloud-qos numbers them. */
const HTB_CLASSES: Readonly<Record<string, string>> = { "10": "chat", "20": "everything else", "30": "bulk" };

function htbClasses(classes: readonly Block[], qdiscs: readonly Block[]) {
  const root = classes.find(({ head }) => / root /.test(head));
  return {
    rateKbit: kbitOf(/ rate (\S+)/.exec(root?.head ?? "")?.[1]),
    classes: classes.flatMap((block): readonly QueueClass[] => {
      const [, minor = ""] = /^class htb \w+:(\w+) parent /.exec(block.head) ?? [];
      if (minor === "") return [];
      // What a leaf drops inside itself, its class does not count.
      const leaf = /leaf (\w+:)/.exec(block.head)?.[1];
      const below = qdiscs.filter(({ head }) => leaf !== undefined && head.includes(` ${leaf} `));
      const dropped = Math.max(countsOf([block]).dropped, countsOf(below).dropped);
      return [{ name: HTB_CLASSES[minor] ?? minor, ...countsOf([block]), dropped }];
    }),
  };
}

const SIZES: Readonly<Record<string, number>> = { b: 1, Kb: 1024, Mb: 1024 ** 2, Gb: 1024 ** 3 };

function bytesOf(text: string): number {
  const [, number = "0", unit = "b"] = /^([\d.]+)([KMG]?b)$/.exec(text) ?? [];
  return Number(number) * (SIZES[unit] ?? 1);
}

const RATES: Readonly<Record<string, number>> = { bit: 0.001, Kbit: 1, Mbit: 1000, Gbit: 1_000_000 };

/** @example kbitOf("9500Kbit") is 9500; "unlimited" is null */
function kbitOf(text: string | undefined): number | null {
  const [, number, unit = ""] = /^([\d.]+)([KMG]?bit)$/.exec(text ?? "") ?? [];
  return number === undefined ? null : Number(number) * (RATES[unit] ?? 1);
}
