/**
 * The network's queues: what leaves the board is shaped below its line's rate, and what belongs to the IM cloud is
 * marked and goes first.
 *
 * The program and its unit are `file` resources of the same playbook; this type has the settings, and sees to it that
 * they are in force. Which queue discipline the board can have, the program finds out by asking for it: kernels leave
 * out what their release's documentation has. It may cut the operator off, so it is confirmed or undone.
 *
 * Sources: tc(8), tc-cake(8), tc-htb(8).
 */
import { z } from "zod";
import { sh } from "../board/script.js";
import { ConfirmWithin } from "./fields.js";
import { areSettings, probeSettings, withSettings } from "./program-settings.js";
import { known, unknowable, type Observation, type ResourceId, type ResourceType } from "./resource.js";

export const QOS_SETTINGS = "/etc/default/imcloud-qos";
const PROGRAM = { path: "/usr/local/sbin/imcloud-qos", settings: QOS_SETTINGS };
/** Handles by which the program marks its own: `UP` and `DOWN` there. */
export const QOS_HANDLES = { up: "1c1:", down: "1c2:" } as const;
export const QOS_IFB = "ifb-imcloud";

/** As the kernel prefers: the first that it has is taken. */
const KINDS = ["cake", "htb", "fq_codel"] as const;
const UNITS: Readonly<Record<string, number>> = { kbit: 1, mbit: 1_000, gbit: 1_000_000 };
/** Below, a single packet stalls the line for 50 ms; above, no board's interface reaches. In kbit/s. */
const RATES = { lowest: 256, highest: 10_000_000 } as const;

const Rate = z
  .unknown()
  .transform((value) => (typeof value === "string" ? value : (JSON.stringify(value) ?? "")))
  .superRefine((text, refusal) => {
    const refuse = (message: string) =>
      refusal.addIssue({ code: "custom", message, params: { hint: hint("20mbit") } });
    if (text === "") return;
    const [, number, unit = ""] = /^(\d+)(kbit|mbit|gbit)$/.exec(text) ?? [];
    if (number === undefined) return refuse(`\`${text}\` is no rate: a whole number and kbit, mbit or gbit`);
    const kbit = Number(number) * (UNITS[unit] ?? 0);
    if (kbit < RATES.lowest || kbit > RATES.highest)
      refuse(
        `a rate of ${text} is out of range: from ${RATES.lowest}kbit to ${RATES.highest / 1_000_000}gbit`,
      );
  });

const hint = (uplink: string) => `in imcloud.yaml: \`vars: { qos: { uplink: ${uplink} } }\``;
const Device = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,14}$/, "the name of a network interface, such as `eth0`");

const Desired = z
  .strictObject({
    device: z.string().describe("the interface, unless the settings name another"),
    settings: z
      .strictObject({
        device: Device.optional(),
        uplink: Rate.optional().describe("what the line carries outward; none: no limit"),
        downlink: Rate.optional().describe("what the line carries inward; none: not shaped"),
        kind: z
          .enum(["auto", ...KINDS])
          .default("auto")
          .describe("`auto`: cake, else htb, else fq_codel, whichever kernel and tc have"),
      })
      .describe("`vars.qos`"),
    ports: z
      .array(z.int().min(1).max(65535))
      .min(1)
      .max(15)
      .describe("TCP ports whose traffic is marked AF41, and CS1 where a connection carries a film"),
    marks: z.enum(["nft", "iptables"]).describe("what the release's firewall is made with"),
    confirmWithinS: ConfirmWithin,
  })
  .superRefine(({ device, settings }, refusal) => {
    const refuse = (key: string, message: string, what: string) =>
      refusal.addIssue({ code: "custom", path: ["settings", key], message, params: { hint: what } });
    if (!Device.safeParse(settings.device ?? device).success)
      refuse(
        "device",
        "the board does not tell which network interface leads out",
        "name it in imcloud.yaml: `vars: { qos: { device: eth0 } }`",
      );
    if (settings.kind === "htb" && !settings.uplink)
      refuse("uplink", "`kind: htb` divides a rate, and there is none", hint("20mbit"));
    if (settings.kind === "fq_codel" && settings.uplink)
      refuse(
        "kind",
        "`kind: fq_codel` keeps to no rate, and `uplink` gives one",
        "take `kind` out of `vars.qos`, or say `cake` or `htb`",
      );
  });
type Desired = z.infer<typeof Desired>;

interface Observed {
  /** SHA-256 of the settings, as the probe prints it; undefined: none. */
  readonly settings?: string;
  readonly qdiscs: readonly Qdisc[];
  readonly isMarked: boolean;
}

interface Qdisc {
  readonly kind: string;
  readonly handle: string;
  readonly device: string;
}

export const shaper: ResourceType<Desired, Observed> = {
  type: "shaper",
  schema: Desired,
  // A board has one way out.
  key: () => "way out",

  probe: () => sh`
command -v tc > /dev/null || exit 0
for d in /sys/class/net/*; do printf 'device|%s\n' "\${d##*/}"; done
${probeSettings(PROGRAM)}
tc qdisc show | sed 's/^/tc|/'
! command -v nft > /dev/null || nft list tables 2> /dev/null | sed 's/^/marks|/'
! command -v iptables > /dev/null || iptables -w -t mangle -S IMCLOUD_QOS 2> /dev/null | sed 's/^/marks|/'
echo end`,

  observe(output, all) {
    const rows = output.split("\n").map((line) => line.split("|"));
    const after = (word: string) => rows.flatMap(([first, rest = ""]) => (first === word ? [rest] : []));
    if (after("end").length === 0 && !output.split("\n").includes("end")) return new Map();
    const settings = after("settings")[0];
    const value: Observed = {
      ...(settings !== undefined && { settings }),
      qdiscs: after("tc").flatMap(rootOf),
      isMarked: after("marks").some((text) =>
        /^table inet imcloud_qos\b|IMCLOUD_QOS.*AF41|IMCLOUD_QOS.*0x22/.test(text),
      ),
    };
    return new Map(
      all.map(({ id, desired }): [ResourceId, Observation<Observed>] => {
        const device = deviceOf(desired);
        const there = after("device").filter((name) => name !== "lo" && name !== QOS_IFB);
        return [
          id,
          there.includes(device)
            ? known(value)
            : unknowable(`there is no network interface \`${device}\`; there are: ${there.join(", ")}`),
        ];
      }),
    );
  },

  diff(desired, observed) {
    if (observed.kind === "absent") return [];
    const { settings, qdiscs, isMarked } = observed.value;
    const text = settingsText(desired);
    const device = deviceOf(desired);
    const up = qdiscs.find((qdisc) => qdisc.device === device);
    const down = qdiscs.find((qdisc) => qdisc.device === QOS_IFB);
    const isShaped =
      up?.handle === QOS_HANDLES.up && (!desired.settings.downlink || down?.handle === QOS_HANDLES.down);
    if (areSettings(settings, text) && isShaped && isMarked) return [];
    return [
      {
        kind: settings === undefined ? "create" : "update",
        risk: "cutoff",
        confirmWithinS: desired.confirmWithinS,
        before: `${device}: ${up?.kind ?? "no queue"}${up?.handle === QOS_HANDLES.up ? ", by imcloud" : ""}${isMarked ? ", marked" : ""}`,
        after: text,
        ...withSettings(PROGRAM, text),
      },
    ];
  },
};

const deviceOf = ({ device, settings }: Desired): string => settings.device ?? device;

/** What the program reads: shell assignments of values that hold nothing but words. */
function settingsText(desired: Desired): string {
  const { settings, ports, marks } = desired;
  const kinds = settings.kind === "auto" ? KINDS : [settings.kind];
  return [
    "# Managed by imcloud: what /usr/local/sbin/imcloud-qos goes by.",
    `QOS_DEVICE=${deviceOf(desired)}`,
    `QOS_UPLINK=${settings.uplink ?? ""}`,
    `QOS_DOWNLINK=${settings.downlink ?? ""}`,
    `QOS_KINDS="${kinds.join(" ")}"`,
    `QOS_MARKS=${marks}`,
    `QOS_PORTS="${ports.join(", ")}"`,
    "",
  ].join("\n");
}

/** @example "qdisc cake 1c1: dev eth0 root refcnt 2 bandwidth 19Mbit" */
function rootOf(line: string): Qdisc[] {
  const [, kind, handle, device] = /^qdisc (\S+) (\S+) dev (\S+) root\b/.exec(line) ?? [];
  return kind === undefined || handle === undefined || device === undefined ? [] : [{ kind, handle, device }];
}
