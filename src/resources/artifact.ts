/**
 * A large file or archive from the operator's side: stored once under its hash, reached by a fixed name.
 *
 * The name is a symbolic link into the store, so a new version is there whole or not at all, and the one
 * before is a link away.
 */
import { z } from "zod";
import { sh } from "../board/script.js";
import { STORE } from "../board/state.js";
import { AbsolutePath, Mode, Notifies } from "./fields.js";
import {
  absent,
  known,
  resourceId,
  type Observation,
  type ResourceId,
  type ResourceType,
} from "./resource.js";

const Source = z.object({
  path: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  sizeBytes: z.int(),
  gzipPath: z.string().optional(),
});

const Desired = z.strictObject({
  path: AbsolutePath.describe("the name by which it is used"),
  source: Source.describe("`{{ artifacts.NAME }}`, or a file of the operator's: `from: FILE`"),
  mode: Mode.default("0644"),
  unpack: z
    .boolean()
    .default(false)
    .describe("a tar archive (.tar, .gz, .xz as the board's tar can) to unpack; then `path` is a folder"),
  notifies: Notifies,
});
type Desired = z.infer<typeof Desired>;

const storedOf = ({ source, unpack }: Desired) => `${STORE}/${source.sha256}${unpack ? ".d" : ""}`;

/** Where the link points. */
export const artifact: ResourceType<Desired, string> = {
  type: "artifact",
  schema: Desired,
  key: ({ path }) => path,

  // A stored thing has its hash for a name and got it only when whole: its being there is enough.
  probe: (all) => sh`
for path in ${all.map(({ desired }) => desired.path)}; do
  [ -e "$path" ] || [ -L "$path" ] || printf 'absent %s\n' "$path"
  [ ! -L "$path" ] || [ -e "$path" ] || printf 'absent %s\n' "$path"
done
stat -c 'link %N' -- ${all.map(({ desired }) => desired.path)} 2>/dev/null`,

  observe: (output) =>
    new Map(
      output
        .split("\n")
        .flatMap((row): [ResourceId, Observation<string>][] => {
          const gone = /^absent (.+)$/.exec(row)?.[1];
          if (gone !== undefined) return [[resourceId("artifact", gone), absent]];
          const [, path, target] = /^link '([^']+)'(?: -> '([^']+)')?$/.exec(row) ?? [];
          return path === undefined ? [] : [[resourceId("artifact", path), known(target ?? "(not a link)")]];
        })
        .toSorted(([, one], [, other]) => Number(one.kind === "absent") - Number(other.kind === "absent")),
    ),

  diff(desired, observed) {
    const { path, source, mode, unpack, notifies } = desired;
    const stored = storedOf(desired);
    if (observed.kind === "known" && observed.value === stored) return [];
    const packed = `${STORE}/${source.sha256}`;
    return [
      {
        kind: observed.kind === "absent" ? "create" : "update",
        risk: "none",
        before: observed.kind === "absent" ? "" : observed.value,
        after: stored,
        folders: [path.slice(0, path.lastIndexOf("/")) || "/"],
        saves: [path],
        uploads: [{ source, path: packed, mode: Number.parseInt(mode, 8) }],
        apply: sh`
if ${unpack} && [ ! -d ${stored} ]; then
  rm -rf ${`${stored}.new`}
  mkdir ${`${stored}.new`}
  # Who packed it is nobody on this board.
  tar -xf ${packed} --no-same-owner -C ${`${stored}.new`}
  sync
  mv ${`${stored}.new`} ${stored}
fi
ln -sfn ${stored} ${`${path}.imcloud-new`}
mv -fT ${`${path}.imcloud-new`} ${path}
sync ${path.slice(0, path.lastIndexOf("/")) || "/"}`,
        undo: sh`
if [ -L "$IMCLOUD_SAVED/0" ] && [ -e "$(readlink "$IMCLOUD_SAVED/0")" ]; then
  cp -aT "$IMCLOUD_SAVED/0" ${`${path}.imcloud-new`}
  mv -fT ${`${path}.imcloud-new`} ${path}
else
  rm -f ${path}
  if [ -e "$IMCLOUD_SAVED/0" ] && [ ! -L "$IMCLOUD_SAVED/0" ]; then cp -a "$IMCLOUD_SAVED/0" ${path}; fi
  rm -rf ${packed} ${`${packed}.d`}
fi
rmdir ${STORE} /opt/imcloud 2>/dev/null || :`,
        ...(notifies.length > 0 && { notifies }),
      },
    ];
  },
};
