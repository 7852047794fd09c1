/**
 * A folder with this mode and owner. What is in it is nobody's business here.
 */
import { z } from "zod";
import { sh } from "../board/script.js";
import { AbsolutePath, AccountName, Mode } from "./fields.js";
import {
  absent,
  known,
  resourceId,
  unknowable,
  type Observation,
  type ResourceId,
  type ResourceType,
} from "./resource.js";

const Desired = z.strictObject({
  path: AbsolutePath,
  mode: Mode.default("0755"),
  owner: AccountName.default("root"),
  group: AccountName.default("root"),
  data: z
    .boolean()
    .default(false)
    .describe("people's data: `destroy` keeps it unless told otherwise, then removes all of it"),
});
type Desired = z.infer<typeof Desired>;

interface Observed {
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
}

export const directory: ResourceType<Desired, Observed> = {
  type: "directory",
  schema: Desired,
  key: ({ path }) => path,

  probe: (all) => sh`
set -- ${all.map(({ desired }) => desired.path)}
stat -c 'is|%F|0%a|%U|%G|%n' -- "$@" 2>/dev/null
for path; do [ -e "$path" ] || [ -L "$path" ] || printf 'absent|%s\n' "$path"; done`,

  observe: (output) =>
    new Map(
      output.split("\n").flatMap((line): [ResourceId, Observation<Observed>][] => {
        const [word, ...fields] = line.split("|");
        const id = resourceId("directory", fields.at(-1) ?? "");
        if (word === "absent") return [[id, absent]];
        const [kind, mode = "", owner = "", group = ""] = fields;
        if (word !== "is") return [];
        return [
          [
            id,
            kind === "directory"
              ? known({ mode, owner, group })
              : unknowable(`there is a ${kind} at that path`),
          ],
        ];
      }),
    ),

  diff({ path, mode, owner, group, data }, observed) {
    const after = `${mode} ${owner}:${group}`;
    const apply = sh`
mkdir -p ${path}
chown ${`${owner}:${group}`} ${path}
chmod ${mode} ${path}`;
    if (observed.kind === "absent") {
      const remove = data
        ? // Moved to a disk, it is a mount point, which goes with the mount.
          sh`
[ "\${IMCLOUD_WITH_DATA:-no}" != no ] || exit 0
if mountpoint -q ${path}; then find ${path} -xdev -mindepth 1 -delete; else rm -rf --one-file-system ${path}; fi`
        : sh`rmdir ${path} 2>/dev/null || [ ! -d ${path} ] || echo ${`${path} is not empty: kept`}`;
      return [
        {
          kind: "create",
          risk: "none",
          before: "",
          after,
          apply,
          undo: remove,
          isData: data,
          keptByRollback: data,
          folders: [path.slice(0, path.lastIndexOf("/")) || "/"],
        },
      ];
    }
    const now = observed.value;
    const before = `${now.mode} ${now.owner}:${now.group}`;
    if (
      Number.parseInt(now.mode, 8) === Number.parseInt(mode, 8) &&
      now.owner === owner &&
      now.group === group
    )
      return [];
    const undo = sh`
chown ${`${now.owner}:${now.group}`} ${path}
chmod ${now.mode} ${path}`;
    return [{ kind: "update", risk: "none", before, after, apply, undo, isData: data }];
  },
};
