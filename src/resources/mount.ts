/**
 * A file system that is mounted, now and at each boot, by its UUID.
 *
 * `nofail`: a board boots without the disk, and can say so. The empty folder below the mount cannot be written to, so
 * nothing fills the card in the meantime.
 *
 * Source: fstab(5), systemd.mount(5).
 */
import { z } from "zod";
import { sh } from "../board/script.js";
import { ImcloudError, type Origin } from "../shared/errors.js";
import { MountPoint, Uuid } from "./fields.js";
import {
  dropGone,
  dropLine,
  FSTAB,
  fstabLine,
  mountsScript,
  parseMounts,
  putLine,
  sealedFolder,
} from "./fstab.js";
import { known, resourceId, type Observation, type ResourceId, type ResourceType } from "./resource.js";

const Option = z.string().regex(/^[\w.=:/-]+$/, "one mount option, such as `noatime`");

const Desired = z.strictObject({
  path: MountPoint.describe("where; made if it is not there, else it must be empty"),
  uuid: Uuid.describe("of the file system"),
  filesystem: z.enum(["ext4"]).default("ext4"),
  options: z
    .array(Option)
    .default(["noatime", "nofail", "x-systemd.device-timeout=30s"])
    .describe("for fstab; without `nofail` a board whose disk is away does not boot"),
});
type Desired = z.infer<typeof Desired>;

interface Observed {
  /** The line in fstab that is to make way. */
  readonly line: string | undefined;
  readonly isMounted: boolean;
}

export const mount: ResourceType<Desired, Observed> = {
  type: "mount",
  schema: Desired,
  key: ({ path }) => path,

  probe: (all) => sh`
${mountsScript(all.map(({ desired }) => desired.path))}
find /dev/disk/by-uuid -printf 'uuid %f %l\n' 2> /dev/null
echo end`,

  observe(output, all) {
    const rows = output.split("\n");
    if (!rows.includes("end")) return new Map();
    const { lines, mounted } = parseMounts(output);
    const nameOf = new Map(
      rows.flatMap((row): [string, string][] => {
        const [, uuid = "", name = ""] = /^uuid (\S+) .*\/([^/]+)$/.exec(row) ?? [];
        return uuid === "" ? [] : [[uuid, name]];
      }),
    );
    return new Map(
      all.map(({ desired: { path, uuid }, origin }): [ResourceId, Observation<Observed>] => {
        const [line, ...further] = lines.get(path) ?? [];
        const now = mounted.get(path);
        const name = nameOf.get(uuid);
        if (now !== undefined && now.device !== `/dev/${name}`)
          throw taken(path, `${now.device} is mounted there`, origin);
        if (further.length > 0 || (line !== undefined && !line.startsWith(`UUID=${uuid} `)))
          throw taken(path, [line, ...further].join("\n"), origin);
        return [resourceId("mount", path), known({ line, isMounted: now !== undefined })];
      }),
    );
  },

  diff({ path, uuid, filesystem, options }, observed) {
    const now = observed.kind === "known" ? observed.value : { line: undefined, isMounted: false };
    const line = fstabLine({ what: `UUID=${uuid}`, path, filesystem, options, pass: 2 });
    if (now.line === line && now.isMounted) return [];
    return [
      {
        kind: now.line === undefined ? "create" : "update",
        risk: "none",
        before: [now.line ?? "", now.line !== undefined && !now.isMounted ? "(not mounted)" : ""]
          .join(" ")
          .trim(),
        after: line,
        folders: [path.slice(0, path.lastIndexOf("/")) || "/"],
        apply: sh`
${dropGone(path)}
if ! mountpoint -q ${path}; then
${sealedFolder(path)}
fi
${putLine(line, now.line)}
systemctl daemon-reload
if mountpoint -q ${path}; then mount -o remount ${path}; else mount ${path}; fi`,
        undo: sh`
[ "\${IMCLOUD_WITH_DATA:-no}" = yes ] || exit 0
! mountpoint -q ${path} || umount ${path}
${dropLine(line)}
systemctl daemon-reload
chattr -i ${path} 2> /dev/null || :
rmdir ${path} 2> /dev/null || :`,
        isData: true,
        keptByRollback: true,
      },
    ];
  },
};

function taken(path: string, found: string, origin: Origin): ImcloudError {
  return new ImcloudError("board.disk-refused", `${path} is another file system's place`, {
    origin,
    found,
    expected: "the file system that the playbook names",
    hint: `choose another place (\`vars: { ssd: { path: … } }\`), or take that one out of ${FSTAB} and unmount it`,
  });
}
