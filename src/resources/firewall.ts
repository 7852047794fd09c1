/**
 * What is let in: the ports that the board's roles need, SSH wherever it listens, and what a network cannot do
 * without. By tables of imcloud's own, or by ufw's rules where ufw is switched on.
 *
 * The program and its unit are `file` resources of the same playbook; this type has the settings, and sees to it that
 * they are in force. It can lock the operator out, so it is confirmed or undone.
 *
 * Sources: nft(8), iptables(8), ufw(8).
 */
import { z } from "zod";
import { sh } from "../board/script.js";
import { ConfirmWithin } from "./fields.js";
import { areSettings, probeSettings, withSettings } from "./program-settings.js";
import { known, type Observation, type ResourceId, type ResourceType } from "./resource.js";

const PROGRAM = { path: "/usr/local/sbin/imcloud-firewall", settings: "/etc/default/imcloud-firewall" };

const Port = z.int().min(1).max(65535);
const Ports = z.array(Port).max(64);
const Range = z
  .tuple([Port, Port])
  .refine(([first, last]) => first <= last, "the first port of a range is not above its last");

const Desired = z.strictObject({
  tcp: Ports.describe("TCP ports that anybody in the network may reach"),
  udp: z
    .array(z.union([Port, Range]))
    .max(64)
    .default([])
    .describe("UDP ports, and ranges such as `[49152, 49407]`"),
  ssh: Ports.default([]).describe("where sshd is reached; none given: wherever it says it listens"),
  by: z.enum(["nft", "iptables", "ufw"]).describe("what the board's firewall is made with"),
  confirmWithinS: ConfirmWithin,
});
type Desired = z.infer<typeof Desired>;

interface Observed {
  readonly settings?: string;
  /** Of the tools whose rules of imcloud's are in force. */
  readonly inForce: readonly string[];
}

export const firewall: ResourceType<Desired, Observed> = {
  type: "firewall",
  schema: Desired,
  key: () => "inward",

  // ufw's own command takes Python a third of a second: its file of rules has the same.
  probe: () => sh`
${probeSettings(PROGRAM)}
! command -v nft > /dev/null || nft list tables 2> /dev/null | sed -n 's/^table inet imcloud$/in force|nft/p'
! command -v iptables > /dev/null || iptables -w -S INPUT 2> /dev/null | sed -n 's/.* -j IMCLOUD_INPUT$/in force|iptables/p'
[ ! -e /etc/ufw/user.rules ] || sed -n 's/^### tuple ### allow tcp \([0-9]*\) .*/ufw|\1/p; s/^### tuple ### allow udp \([0-9:]*\) .*/ufw udp|\1/p' /etc/ufw/user.rules
echo 'end|'`,

  observe(output, all) {
    const rows = output.split("\n").map((line) => line.split("|"));
    const after = (word: string) => rows.flatMap(([first, rest = ""]) => (first === word ? [rest] : []));
    if (after("end").length === 0) return new Map();
    const settings = after("settings")[0];
    return new Map(
      all.map(({ id, desired }): [ResourceId, Observation<Observed>] => {
        const ports = new Set(after("ufw").map(Number));
        const ranges = new Set(after("ufw udp"));
        const hasUfw =
          desired.tcp.every((port) => ports.has(port)) &&
          desired.udp.every((range) => ranges.has(inRulesOf(range)));
        return [
          id,
          known({
            ...(settings !== undefined && { settings }),
            inForce: [...after("in force"), ...(hasUfw ? ["ufw"] : [])],
          }),
        ];
      }),
    );
  },

  diff(desired, observed) {
    if (observed.kind === "absent") return [];
    const { settings, inForce } = observed.value;
    const text = settingsText(desired);
    if (areSettings(settings, text) && inForce.includes(desired.by)) return [];
    const ours = settings !== undefined && inForce.includes(desired.by);
    return [
      {
        kind: settings === undefined ? "create" : "update",
        risk: "cutoff",
        confirmWithinS: desired.confirmWithinS,
        before: ours ? "other rules of imcloud's" : "no rules of imcloud's",
        after: text,
        ...withSettings(PROGRAM, text),
      },
    ];
  },
};

/** As ufw and iptables write it. */
const inRulesOf = (range: Desired["udp"][number]): string =>
  typeof range === "number" ? String(range) : range.join(":");

function settingsText({ tcp, udp, ssh, by }: Desired): string {
  return [
    "# Managed by imcloud: what /usr/local/sbin/imcloud-firewall goes by. Empty: wherever sshd listens.",
    `FIREWALL_SSH="${ssh.join(" ")}"`,
    `FIREWALL_TCP="${tcp.join(" ")}"`,
    // A board without is as one of an earlier imcloud: nothing to change.
    ...(udp.length > 0 ? [`FIREWALL_UDP="${udp.map(inRulesOf).join(" ")}"`] : []),
    `FIREWALL_BY=${by}`,
    "",
  ].join("\n");
}
