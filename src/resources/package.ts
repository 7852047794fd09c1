/**
 * Packages of the release's archive, installed together.
 *
 * What comes along as a dependency is written down before it is installed, so that `destroy` removes just
 * that and nothing that was there before or came later. A package that something later needs stays with it, and so
 * does one that came along and that somebody has marked as wanted for its own sake since (apt-mark(8), manual).
 */
import { z } from "zod";
import { sh, type Script } from "../board/script.js";
import { aptFunctions, forgetLists } from "./apt.js";
import { FSTAB } from "./fstab.js";
import { PackageName } from "./fields.js";
import { known, type Observation, type ResourceId, type ResourceType } from "./resource.js";

const Desired = z.strictObject({
  names: z.array(PackageName).min(1),
  data: z
    .boolean()
    .default(false)
    .describe("purging these deletes people's data: `destroy` only removes them unless data is to go too"),
  recommends: z.boolean().default(false).describe("also what the packages recommend"),
});
type Desired = z.infer<typeof Desired>;

/** Where `data-move` mounts what it moved. */
const MOVED = "$1 !~ /^#/ && $4 ~ /(^|,)bind(,|$)/ && $4 ~ /(^|,)x-imcloud(,|$)/ { print $2 }";

/** Whether what an entry of the ledger stands for is data alone: then it outlives its undo. */
const markAs = (folder: "$IMCLOUD_LEDGER" | "$IMCLOUD_SAVED", isData: boolean): Script => ({
  text: `if [ -e "${folder}/entry" ]; then sed -i 's/"isData":${!isData}/"isData":${isData}/' "${folder}/entry"; fi`,
  files: new Map(),
});

const ROW = "${db:Status-Status} ${Package}\\n";

export const packages: ResourceType<Desired, readonly string[]> = {
  type: "package",
  schema: Desired,
  key: ({ names }) => names.join(","),
  covers: ({ names }, id) =>
    id.startsWith("package:") &&
    id
      .slice("package:".length)
      .split(",")
      .some((name) => names.includes(name)),

  probe: (all) => sh`
dpkg-query -W -f ${ROW} ${[...new Set(all.flatMap(({ desired }) => desired.names))]} 2>/dev/null
echo end`,

  observe(output, all) {
    const rows = output.split("\n");
    if (!rows.includes("end")) return new Map();
    const installed = new Set(rows.flatMap((row) => /^installed (\S+)$/.exec(row)?.[1] ?? []));
    return new Map(
      all.map(({ id, desired }): [ResourceId, Observation<readonly string[]>] => [
        id,
        known(desired.names.filter((name) => installed.has(name))),
      ]),
    );
  },

  diff({ names, data, recommends }, observed) {
    const there = observed.kind === "known" ? observed.value : [];
    const missing = names.filter((name) => !there.includes(name));
    if (missing.length === 0) return [];
    const recommend = recommends ? "--install-recommends" : "--no-install-recommends";
    return [
      {
        kind: "create",
        risk: "none",
        before: there.join(" "),
        after: names.join(" "),
        apply: sh`
${aptFunctions}
fresh_lists
apt-get -s -q install ${recommend} ${missing} | sed -n 's/^Inst \([^ ]*\).*/\1/p' > "$IMCLOUD_LEDGER/more"
touch "$IMCLOUD_LEDGER/installed"
sort -u "$IMCLOUD_LEDGER/installed" "$IMCLOUD_LEDGER/more" > "$IMCLOUD_LEDGER/all"
sync "$IMCLOUD_LEDGER/all"
mv "$IMCLOUD_LEDGER/all" "$IMCLOUD_LEDGER/installed"
${markAs("$IMCLOUD_LEDGER", false)}
sync "$IMCLOUD_LEDGER"
# Lists that came incomplete are no error of apt's: the next run fetches them again.
apt install ${recommend} ${missing} || { code=$?; ${forgetLists}; exit "$code"; }`,
        undo: sh`
# A change that did not get as far as apt has nothing to take back.
[ -e "$IMCLOUD_SAVED/installed" ] || exit 0
${aptFunctions}
# What apt would take along, and is not to go.
others() { apt-get -s -q remove "$@" | sed -nE 's/^(Remv|Purg) ([^ ]+).*/\2/p' | grep -Fvxe "$(printf '%s\n' $ours)" || :; }
purge='' remove='' ours='' kept='' asked=${names.join(" ")} holding=${(data ? names : []).join(" ")}
manual=" $(apt-mark showmanual | tr '\n' ' ')"
while IFS= read -r name; do
  case $(dpkg-query -W -f ${"${db:Status-Status}"} "$name" 2> /dev/null) in '' | not-installed) continue ;; esac
  case " $asked " in *" $name "*) ;; *)
    case $manual in *" $name "*) echo "$name is kept, because somebody has marked it as manually installed"; continue ;; esac
  esac
  ours="$ours $name"
done < "$IMCLOUD_SAVED/installed"
if [ -n "$ours" ] && [ -n "$(others $ours)" ]; then
  for name in $ours; do
    why=$(others "$name" | tr '\n' ' ')
    [ -z "$why" ] || { kept="$kept $name"; echo "$name is kept, because what needs it is kept or is not imcloud's: $why"; }
  done
fi
for name in $ours; do
  case " $kept " in *" $name "*) continue ;; esac
  case " $holding " in
    *" $name "*) if [ "\${IMCLOUD_WITH_DATA:-no}" = yes ]; then purge="$purge $name"; else remove="$remove $name"; fi ;;
    *) purge="$purge $name" ;;
  esac
done
# One of several that would each do: together they are needed.
if [ -n "$purge$remove" ] && [ -n "$(others $purge $remove)" ]; then
  echo "kept, because imcloud did not install what needs one of them:$purge$remove"
  exit 0
fi
# Their data stay, and this with them: by it they are found when the data are to go.
noted() {
  [ -n "$remove" ] || return 0
  ${markAs("$IMCLOUD_SAVED", true)}
}
# dpkg would have one that it was killed over unpacked again before it removes it.
[ -z "$remove" ] || apt -o Dpkg::Options::=--force-remove-reinstreq remove $remove
[ -n "$purge" ] || { noted; exit 0; }
# A folder of theirs that moved to another disk is a mount point, which their own scripts cannot remove.
if [ "\${IMCLOUD_WITH_DATA:-no}" = yes ]; then
  moved=$(awk ${MOVED} ${FSTAB} 2> /dev/null | while IFS= read -r path; do
    if mountpoint -q "$path" && dpkg-query -L $purge 2> /dev/null | grep -Fqx -e "$path"; then echo "$path"; fi
  done)
  [ -z "$moved" ] || apt -o Dpkg::Options::=--force-remove-reinstreq remove $purge
  for path in $moved; do
    find "$path" -xdev -mindepth 1 -delete
    umount "$path"
    chattr -i "$path" 2> /dev/null || :
  done
fi
apt -o Dpkg::Options::=--force-remove-reinstreq purge $purge
noted`,
        keptByRollback: true,
      },
    ];
  },
};
