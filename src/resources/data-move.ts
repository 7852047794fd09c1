/**
 * Moves a folder of data to another disk, without loss, while its services run for as long as that is possible.
 *
 * The folder keeps its path: the copy on the disk is mounted over it. What counts is decided by one line of fstab. As
 * long as it is not there, the folder is the truth and the copy is rubbish; from then on it is the other way round, and
 * by then both are the same. So whenever the power goes, the next boot starts the services on whole data, and the next
 * run goes on from there. Without the disk the services do not start (`RequiresMountsFor=`), and the folder below the
 * mount cannot be written to.
 *
 * The copy is rsync's business: every release has it, most images bring it, and hard links, holes, extended attributes
 * and a second pass that sends only what changed are not for a script to invent anew.
 */
import { z } from "zod";
import { sh } from "../board/script.js";
import { MOVES } from "../board/state.js";
import { ImcloudError, type Origin } from "../shared/errors.js";
import { moveScript, removeOldScript, unmoveScript, type Move } from "./data-move-script.js";
import { MountPoint, Unit } from "./fields.js";
import { fstabLine, mountsScript, parseMounts } from "./fstab.js";
import {
  COPYING_S,
  known,
  resourceId,
  type ChangeDraft,
  type Observation,
  type ResourceId,
  type ResourceType,
} from "./resource.js";

const Desired = z
  .strictObject({
    path: MountPoint.describe("the folder; it keeps its path"),
    disk: MountPoint.describe("where the other disk is mounted"),
    units: z
      .array(Unit)
      .default([])
      .describe(
        "stopped for the last pass, if they run, and started again; each needs `RequiresMountsFor=` the path",
      ),
    keepOld: z
      .boolean()
      .default(true)
      .describe("false: the old copy goes, in a run an hour or more after the move, while the units run"),
  })
  .refine(({ path, disk }) => !`${disk}/`.startsWith(`${path}/`) && !`${path}/`.startsWith(`${disk}/`), {
    message: "a folder that is not on the disk already, nor holds it",
    path: ["path"],
  });
type Desired = z.infer<typeof Desired>;

/** Old enough for somebody, or monitoring, to have seen that all is well. In seconds. */
const SEEN_WELL_S = 3_600;

interface Observed {
  /** In words: where the folder is now. */
  readonly kind: "on-card" | "switched" | "moved";
  readonly isMounted: boolean;
  /** How long ago it moved, by the board's clock; undefined without an old copy. */
  readonly oldForS: number | undefined;
  readonly unitsRun: boolean;
}

export const dataMove: ResourceType<Desired, Observed> = {
  type: "data-move",
  schema: Desired,
  key: ({ path }) => path,

  probe: (all) => sh`
${mountsScript([...new Set(all.flatMap(({ desired: { path, disk } }) => [path, disk]))])}
for path in ${all.map(({ desired }) => desired.path)}; do
  [ ! -e "$path.imcloud-old" ] || printf 'old %s\n' "$path"
done
find ${MOVES} -name 'done' -printf 'done %p %T@\n' 2> /dev/null
holds() { [ -d "$1" ] && set -- "$1"/* "$1"/.[!.]* && { [ -e "$1" ] || [ -e "$2" ] || [ $# -gt 2 ]; }; }
set -- ${all.flatMap(({ desired }) => [desired.path, moveOf(desired).to])}
while [ $# -gt 0 ]; do
  if holds "$1" && holds "$2" && [ ! -e "$2.imcloud-copying" ]; then printf 'both %s\n' "$1"; fi
  shift 2
done
date +'now %s'
systemctl is-active ${[...new Set(all.flatMap(({ desired }) => desired.units)), "basic.target"]} | sed 's/^/unit /'`,

  observe(output, all) {
    const rows = output.split("\n");
    const now = Number(rows.find((row) => row.startsWith("now "))?.slice(4));
    if (Number.isNaN(now)) return new Map();
    const { lines, mounted } = parseMounts(output);
    const doneAt = new Map(
      rows.flatMap((row): [string, number][] => {
        const [, name = "", seconds = ""] = /^done \S*\/([^/]+)\/done (\d+)/.exec(row) ?? [];
        return name === "" ? [] : [[name, Number(seconds)]];
      }),
    );
    const units = [...new Set(all.flatMap(({ desired }) => desired.units))];
    const states = rows.filter((row) => row.startsWith("unit "));
    const runs = (unit: string) => states[units.indexOf(unit)] === "unit active";
    return new Map(
      all.map(({ desired, origin }): [ResourceId, Observation<Observed>] => {
        const move = moveOf(desired);
        const id = resourceId("data-move", desired.path);
        const isSwitched = lines.get(desired.path)?.includes(move.line) === true;
        const at = mounted.get(desired.path);
        const isMounted = at !== undefined && at.root !== "/";
        const hasOld = rows.includes(`old ${desired.path}`);
        // What is still to be seen of a disk that is gone says nothing: not even whether a copy was whole.
        const hasBoth = mounted.has(desired.disk) && rows.includes(`both ${desired.path}`);
        if (!isSwitched) refuseUnclear(desired, move, { device: at?.device, hasBoth, hasOld }, origin);
        const since = doneAt.get(move.name);
        const kind = !isSwitched ? "on-card" : since === undefined ? "switched" : "moved";
        const oldForS = hasOld && since !== undefined ? now - since : undefined;
        return [id, known({ kind, isMounted, oldForS, unitsRun: desired.units.every(runs) })];
      }),
    );
  },

  diff(desired, observed) {
    const move = moveOf(desired);
    const { path, units } = desired;
    const now = observed.kind === "known" ? observed.value : undefined;
    if (now?.kind === "moved" && now.isMounted) {
      const isOver = now.oldForS !== undefined && now.oldForS >= SEEN_WELL_S && now.unitsRun;
      return isOver && !desired.keepOld ? [removal(move)] : [];
    }
    const before = {
      "on-card": `${path} as it is`,
      switched: `moved to ${move.to}, but not to its end`,
      moved: `moved to ${move.to}, but not mounted`,
    };
    return [
      {
        kind: now?.kind === "on-card" || now === undefined ? "create" : "update",
        risk: "downtime",
        before: before[now?.kind ?? "on-card"],
        after: `${move.to}, mounted at ${path}${units.length > 0 ? `; stops ${units.join(", ")} meanwhile` : ""}`,
        folders: [`${MOVES}/${move.name}`],
        apply: moveScript(move),
        withinS: COPYING_S,
        undo: unmoveScript(move),
        isData: true,
        keptByRollback: true,
      },
    ];
  },
};

function moveOf({ path: from, disk, units }: Desired): Move {
  const name = from.slice(1).replaceAll("/", "-");
  const to = `${disk}/${name}`;
  const options = ["bind", "nofail", `x-systemd.requires-mounts-for=${disk}`];
  return {
    name,
    from,
    to,
    disk,
    units,
    line: fstabLine({ what: to, path: from, filesystem: "none", options, pass: 0 }),
  };
}

const removal = (move: Move): ChangeDraft => ({
  kind: "delete",
  risk: "destructive",
  before: `the old copy, ${move.from}.imcloud-old`,
  after: "",
  apply: removeOldScript(move),
});

/** Where imcloud would have to choose between two of somebody's data, it does not. */
function refuseUnclear(
  { path }: Desired,
  { to }: Move,
  seen: { readonly device: string | undefined; readonly hasBoth: boolean; readonly hasOld: boolean },
  origin: Origin,
): void {
  const refuse = (message: string, found: string, hint: string) =>
    new ImcloudError("board.disk-refused", message, { origin, found, hint });
  if (seen.device !== undefined)
    throw refuse(
      `${path} is on a disk of its own already`,
      `${seen.device} is mounted there`,
      "leave it out of `ssd.move`, or unmount it and take it out of /etc/fstab",
    );
  if (seen.hasBoth)
    throw refuse(
      "there is data in both places, and nothing says which counts",
      `${path} and ${to}`,
      "look at both, and move away the one that is not wanted",
    );
  if (seen.hasOld)
    throw refuse(
      `an older copy of ${path} is still there`,
      `${path}.imcloud-old`,
      "look at it, and move it away or remove it",
    );
}
