/**
 * A systemd unit: whether it runs, and whether it starts at boot.
 *
 * Unit files and drop-ins are `file` resources that notify the unit. `port` is how a start is believed: a
 * service may say it has started and be gone a second later (RabbitMQ with an unknown key in its
 * configuration does), but nobody listens then.
 */
import { z } from "zod";
import { lines, nothing, sh, type Script } from "../board/script.js";
import { PENDING } from "../board/state.js";
import { Unit } from "./fields.js";
import {
  absent,
  known,
  type ChangeDraft,
  type Observation,
  type ResourceId,
  type ResourceType,
} from "./resource.js";
import { restartDraft } from "./restart.js";

const Desired = z.strictObject({
  unit: Unit,
  enabled: z.boolean().default(true).describe("started at boot"),
  running: z
    .union([z.boolean(), z.literal("any")])
    .default(true)
    .describe("`any`: for units that come and go by themselves"),
  ifThere: z
    .boolean()
    .default(false)
    .describe("no error where the board has no such unit: another release or source may not bring it"),
  port: z.int().min(1).max(65535).optional().describe("TCP port that listens once the service is really up"),
  portWithinS: z.int().min(1).max(900).default(600).describe("how long that may take, in seconds"),
});
type Desired = z.infer<typeof Desired>;

interface Observed {
  readonly active: string;
  readonly enabled: string;
}

/** Unit file states in which a unit starts at boot, or cannot be told to. Source: systemctl(1), is-enabled. */
const ENABLED: readonly string[] = ["enabled", "enabled-runtime", "alias", "indirect", "generated"];

export const service: ResourceType<Desired, Observed> = {
  type: "service",
  schema: Desired,
  key: ({ unit }) => unit,

  probe: (all) =>
    sh`systemctl show -p LoadState -p ActiveState -p UnitFileState ${all.map(({ desired }) => desired.unit)}`,

  // One block for each unit, in the order of the question; blocks are apart by an empty line.
  observe(output, all) {
    const blocks = output
      .split("\n\n")
      .map(
        (block) =>
          new Map(
            block.split("\n").map((row) => [row.slice(0, row.indexOf("=")), row.slice(row.indexOf("=") + 1)]),
          ),
      );
    return new Map(
      all.flatMap(({ id }, index): [ResourceId, Observation<Observed>][] => {
        const block = blocks[index];
        const load = block?.get("LoadState");
        if (block === undefined || load === undefined) return [];
        if (load === "not-found") return [[id, absent]];
        return [
          [
            id,
            known({
              active: block.get("ActiveState") ?? "",
              enabled: block.get("UnitFileState") ?? "",
            }),
          ],
        ];
      }),
    );
  },

  diff(desired, observed) {
    const { unit, enabled } = desired;
    const now = observed.kind === "absent" ? { active: "inactive", enabled: "disabled" } : observed.value;
    // A static unit has no say in it: others start it, or nobody does.
    const isEnabled = now.enabled === "static" ? enabled : ENABLED.includes(now.enabled);
    const isActive = now.active === "active" || now.active === "reloading";
    const running = desired.running === "any" ? isActive : desired.running;
    // What is not there neither runs nor starts at boot.
    if (observed.kind === "absent" && (desired.ifThere || (!enabled && !running))) return [];
    if (isEnabled === enabled && isActive === running && observed.kind === "known") return [];
    const enable =
      isEnabled === enabled ? sh`:` : enabled ? sh`systemctl enable ${unit}` : sh`systemctl disable ${unit}`;
    return [
      {
        kind: observed.kind === "absent" ? "create" : "update",
        risk: running ? "none" : "downtime",
        before: describe(isActive, isEnabled),
        after: describe(running, enabled),
        apply: running
          ? lines([
              sh`systemctl daemon-reload`,
              enable,
              sh`systemctl reset-failed ${unit} 2>/dev/null || :`,
              startOrTell(unit),
              untilUp(desired),
            ])
          : lines([sh`systemctl daemon-reload`, enable, sh`systemctl stop ${unit}`]),
        undo: sh`
systemctl cat ${unit} > /dev/null 2>&1 || exit 0
systemctl ${isEnabled ? "enable" : "disable"} ${unit} || :
systemctl ${isActive ? "start" : "stop"} ${unit}
${
  isActive
    ? nothing
    : sh`# Else it is told as failed until the next boot, also when its file is gone.
systemctl reset-failed ${unit} 2> /dev/null || :`
}`,
      },
    ];
  },

  restart: (desired) => ({ unit: desired.unit, draft: restartOf(desired) }),
};

function restartOf(desired: Desired): ChangeDraft {
  const there = desired.ifThere ? "there" : undefined;
  const draft = restartDraft(desired.unit, desired.running === true ? there : "running");
  return { ...draft, apply: lines([draft.apply, untilUp(desired)]) };
}

const describe = (active: boolean, enabled: boolean): string =>
  `${active ? "running" : "stopped"}, ${enabled ? "starts at boot" : "does not start at boot"}`;

/** systemd only says where to look; the operator is not on the board. */
function startOrTell(unit: string): Script {
  return sh`
if ! systemctl is-active --quiet ${unit}; then
  # It reads its files now, so no restart is owed any more.
  rm -f ${`${PENDING}/${unit}`}
  systemctl start ${unit} || { journalctl -n 20 --no-pager -o cat -u ${unit}; exit 1; }
fi`;
}

/** The kernel's own list of listening sockets: state 0A, the port in hexadecimal. Source: proc(5), /proc/net/tcp. */
function untilUp({ unit, running, port, portWithinS }: Desired): Script {
  if (running !== true || port === undefined) return sh`:`;
  const pattern = `:${port.toString(16).toUpperCase().padStart(4, "0")} [0-9A-F]*:0000 0A `;
  return sh`
until=$(( $(date +%s) + ${portWithinS} ))
while ! grep -q ${pattern} /proc/net/tcp /proc/net/tcp6 2>/dev/null; do
  case $(systemctl is-active ${unit}) in
    active | activating | reloading) ;;
    *) echo ${`${unit} is not running:`}; journalctl -n 20 --no-pager -u ${unit} || :; exit 1 ;;
  esac
  if [ "$(date +%s)" -ge "$until" ]; then
    echo ${`${unit} does not listen on port ${port} after ${portWithinS} s:`}
    journalctl -n 20 --no-pager -u ${unit} || :
    exit 1
  fi
  sleep 0.2
done`;
}
