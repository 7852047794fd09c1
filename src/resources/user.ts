/**
 * A system account: no password, no login unless a shell is given.
 *
 * An account is rows in four files, which shadow-utils replace one after the other: a process that is killed in
 * between leaves a part of them. The probe looks at all four, and half an account is made anew.
 */
import { z } from "zod";
import { lines, sh, type Script } from "../board/script.js";
import { AbsolutePath, AccountName } from "./fields.js";
import { absent, known, type Observation, type ResourceId, type ResourceType } from "./resource.js";
import { leftoversFunction, sweepLeftovers } from "./shadow-files.js";

const Desired = z.strictObject({
  name: AccountName,
  home: AbsolutePath.default("/nonexistent"),
  shell: AbsolutePath.default("/usr/sbin/nologin"),
  groups: z.array(AccountName).default([]).describe("groups it is also a member of; they must exist"),
  owns: AbsolutePath.optional().describe(
    "a folder of its files that may be older than the account, as on an SSD beside a card that was written anew: the account gets the number that they have, or they get the account's",
  ),
});
type Desired = z.infer<typeof Desired>;

interface Observed {
  readonly home: string;
  readonly shell: string;
  readonly groups: readonly string[];
  /** What is missing of an account that `useradd` began. Empty: it is whole, or a person's and not ours to mend. */
  readonly lacks: readonly string[];
  /** Files that a killed shadow-utils process left; they are told of once, with the first account. */
  readonly leftovers: readonly string[];
  /** The number of its files, where another account had them; undefined when they are its own, or there are none. */
  readonly strangerUid: number | undefined;
}

/** Above are people's accounts. Source: login.defs(5), SYS_UID_MAX. */
const LAST_SYSTEM_UID = 999;

export const user: ResourceType<Desired, Observed> = {
  type: "user",
  schema: Desired,
  key: ({ name }) => name,

  // getent exits 2 for a name that is not there and prints the others. Of a password comes only whether there is one.
  probe(all) {
    const names = all.map(({ desired }) => desired.name);
    const groups = [...new Set(all.flatMap(({ desired }) => desired.groups))];
    const owned = all.flatMap(({ desired }) => desired.owns ?? []);
    const owners = owned.length > 0 ? sh`stat -c 'owner:%u:%n' -- ${owned} 2>/dev/null` : sh``;
    return sh`
accounts=$(getent passwd ${names})
printf '%s\n' "$accounts" | sed 's/^/user:/'
getent shadow ${names} | sed -e 's/^\([^:]*\):[!*]*:.*/shadow:\1:locked/' -e t -e 's/:.*/:password/' -e 's/^/shadow:/'
gids=$(printf '%s\n' "$accounts" | cut -d : -f 4)
getent group ${[...groups, ...names]} $gids | sed 's/^/group:/'
if [ -e /etc/gshadow ]; then getent gshadow ${names} | sed -e 's/:.*//' -e 's/^/gshadow:/'; else echo no-gshadow:; fi
${leftoversFunction}
leftovers | sed 's/^/left:/'
${owners}
echo end:`;
  },

  observe(output, all) {
    const rows = output.split("\n").map((row) => row.split(":"));
    if (!rows.some(([word]) => word === "end")) return new Map();
    const has = (word: string, name: string) => rows.some((row) => row[0] === word && row[1] === name);
    const groups = rows.filter(([word]) => word === "group");
    const groupsOf = (name: string) => [
      ...new Set(
        groups.flatMap(([, group = "", , , members = ""]) =>
          members.split(",").includes(name) ? [group] : [],
        ),
      ),
    ];
    const lacksOf = (name: string, uid: number, gid: string): readonly string[] => {
      const isOurs =
        uid <= LAST_SYSTEM_UID &&
        !rows.some(([word, row, is]) => word === "shadow" && row === name && is === "password");
      if (!isOurs) return [];
      const own = groups.find((row) => row[3] === gid);
      return [
        ...(has("shadow", name) ? [] : ["shadow"]),
        ...(own === undefined ? ["group"] : []),
        ...(own?.[1] !== name || has("gshadow", name) || rows.some(([word]) => word === "no-gshadow")
          ? []
          : ["gshadow"]),
      ];
    };
    const leftovers = rows.flatMap(([word, path = ""]) => (word === "left" ? [path] : []));
    return new Map(
      all.map(({ id, desired: { name, owns } }, index): [ResourceId, Observation<Observed>] => {
        const row = rows.find(([word, account]) => word === "user" && account === name);
        if (row === undefined) return [id, absent];
        const [, , , uid = "", gid = "", , home = "", shell = ""] = row;
        const owner = rows.find(([word, , path]) => word === "owner" && path === owns)?.[1];
        return [
          id,
          known({
            home,
            shell,
            groups: groupsOf(name),
            lacks: lacksOf(name, Number(uid), gid),
            leftovers: index === 0 ? leftovers : [],
            // What is root's was made for the account, and its `directory` gives it away.
            strangerUid: owner === undefined || owner === uid || owner === "0" ? undefined : Number(owner),
          }),
        ];
      }),
    );
  },

  diff({ name, home, shell, groups, owns }, observed) {
    const after = `home ${home}, shell ${shell}, groups ${groups.join(",") || "none"}`;
    if (observed.kind === "absent") {
      return [
        {
          kind: "create",
          risk: "none",
          before: "",
          after,
          apply: lines([rememberGroup(name), make({ name, home, shell, groups, owns })]),
          undo: remove(name),
          keptByRollback: true,
        },
      ];
    }
    const now = observed.value;
    const missing = groups.filter((group) => !now.groups.includes(group));
    const before = `home ${now.home}, shell ${now.shell}, groups ${now.groups.join(",") || "none"}`;
    if (now.lacks.length > 0) {
      return [
        {
          kind: "update",
          risk: "none",
          before: `half made, without its row in ${now.lacks.join(", ")}`,
          after,
          apply: make({ name, home, shell, groups, owns }),
        },
      ];
    }
    if (owns !== undefined && now.strangerUid !== undefined) {
      return [
        {
          kind: "update",
          risk: "none",
          before: `the files in ${owns} are the account's with the number ${now.strangerUid}`,
          after: `${name}'s`,
          apply: giveFiles(name, owns),
        },
      ];
    }
    if (now.home !== home || now.shell !== shell || missing.length > 0) {
      return [
        {
          kind: "update",
          risk: "none",
          before,
          after,
          apply: sh`
${sweepLeftovers}
usermod --home ${home} --shell ${shell} ${name}
for group in ${groups}; do usermod -a -G "$group" ${name}; done`,
          undo: sh`usermod --home ${now.home} --shell ${now.shell} ${name}`,
        },
      ];
    }
    if (now.leftovers.length === 0) return [];
    return [
      {
        kind: "update",
        risk: "none",
        before: `what a killed program left: ${now.leftovers.join(", ")}`,
        after: "",
        apply: sweepLeftovers,
      },
    ];
  },
};

/** Makes what is not there, and makes anew what is there by half. Safe to run when all is there. */
function make({ name, home, shell, groups, owns }: Desired): Script {
  return sh`
${sweepLeftovers}
is_whole() {
  gid=$(getent passwd ${name} | cut -d : -f 4)
  [ -n "$gid" ] && getent shadow ${name} && getent group "$gid" && { [ ! -e /etc/gshadow ] || getent gshadow ${name}; }
}
uid='' joined=''
if is_whole > /dev/null; then
  usermod --home ${home} --shell ${shell} ${name}
else
  if getent passwd ${name} > /dev/null; then
    # Files may have its number; a group of its own is gone with it, memberships are not its fault.
    uid=$(getent passwd ${name} | cut -d : -f 3)
    joined=$(getent group | awk -F : -v name=${name} 'index("," $4 ",", "," name ",") { print $1 }')
    userdel ${name}
  fi
  ${owns === undefined ? sh`` : sh`[ -n "$uid" ] || uid=$(stat -c %u ${owns} 2> /dev/null) || :`}
  if [ "\${uid:-0}" = 0 ] || [ "$uid" -gt ${LAST_SYSTEM_UID} ] || getent passwd "$uid" > /dev/null; then uid=''; fi
  set -- --user-group
  if getent group ${name} > /dev/null; then
    if [ ! -e /etc/gshadow ] || getent gshadow ${name} > /dev/null; then set -- --gid ${name}; else groupdel ${name}; fi
  fi
  useradd --system "$@" \${uid:+--uid "$uid"} --no-create-home --home-dir ${home} --shell ${shell} ${name}
fi
for group in ${groups} $joined; do usermod -a -G "$group" ${name}; done
${owns === undefined ? sh`` : giveFiles(name, owns)}`;
}

/** The folder itself comes last: as long as it is another's, there is something left to do. */
const giveFiles = (name: string, folder: string): Script => sh`
if [ -d ${folder} ]; then
  was=$(stat -c %u ${folder}) wasGroup=$(stat -c %g ${folder}) is=$(id -u ${name}) isGroup=$(id -g ${name})
  if [ "$was" != 0 ]; then
    [ "$wasGroup" = 0 ] || [ "$wasGroup" = "$isGroup" ] || find ${folder} -depth -gid "$wasGroup" -exec chgrp -h "$isGroup" {} +
    [ "$was" = "$is" ] || find ${folder} -depth -uid "$was" -exec chown -h "$is" {} +
  fi
fi`;

/** A group of that name, which somebody made for themselves, outlives the account. Looked at once: later it may be ours. */
const rememberGroup = (name: string): Script => sh`
[ -e "$IMCLOUD_LEDGER/group" ] || getent group ${name} > "$IMCLOUD_LEDGER/group" || :
sync "$IMCLOUD_LEDGER/group"`;

/** What a killed `userdel` left goes with an account that is made of it; twice, because userdel passes over a lone row. */
const remove = (name: string): Script => sh`
${sweepLeftovers}
for _ in 1 2; do
  if getent passwd ${name} || getent shadow ${name} || getent group ${name} || getent gshadow ${name}; then
    if ! getent passwd ${name}; then
      set -- --user-group
      if getent group ${name}; then set -- --gid ${name}; fi
      useradd --system "$@" --no-create-home ${name}
    fi
    userdel ${name}
  fi > /dev/null
done
if [ -s "$IMCLOUD_SAVED/group" ] && ! getent group ${name} > /dev/null; then
  groupadd --system --gid "$(cut -d : -f 3 "$IMCLOUD_SAVED/group")" ${name}
fi`;
