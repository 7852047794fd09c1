/**
 * A system account: no password, no login unless a shell is given.
 */
import { z } from "zod";
import { sh } from "../board/script.js";
import { AbsolutePath, AccountName } from "./fields.js";
import { absent, known, type Observation, type ResourceId, type ResourceType } from "./resource.js";

const Desired = z.strictObject({
  name: AccountName,
  home: AbsolutePath.default("/nonexistent"),
  shell: AbsolutePath.default("/usr/sbin/nologin"),
  groups: z.array(AccountName).default([]).describe("groups it is also a member of; they must exist"),
});
type Desired = z.infer<typeof Desired>;

interface Observed {
  readonly home: string;
  readonly shell: string;
  readonly groups: readonly string[];
}

export const user: ResourceType<Desired, Observed> = {
  type: "user",
  schema: Desired,
  key: ({ name }) => name,

  // getent exits 2 for a name that is not there and prints the others.
  probe(all) {
    const names = all.map(({ desired }) => desired.name);
    const groups = [...new Set(all.flatMap(({ desired }) => desired.groups))];
    return sh`
getent passwd ${names} | sed 's/^/user:/'
getent group ${groups.length > 0 ? groups : ["root"]} | sed 's/^/group:/'
echo end:`;
  },

  observe(output, all) {
    const rows = output.split("\n").map((row) => row.split(":"));
    if (!rows.some(([word]) => word === "end")) return new Map();
    const groupsOf = (name: string) =>
      rows.flatMap(([word, group = "", , , members = ""]) =>
        word === "group" && members.split(",").includes(name) ? [group] : [],
      );
    return new Map(
      all.map(({ id, desired: { name } }): [ResourceId, Observation<Observed>] => {
        const row = rows.find(([word, account]) => word === "user" && account === name);
        if (row === undefined) return [id, absent];
        return [id, known({ home: row[6] ?? "", shell: row[7] ?? "", groups: groupsOf(name) })];
      }),
    );
  },

  diff({ name, home, shell, groups }, observed) {
    const join = sh`for group in ${groups}; do usermod -a -G "$group" ${name}; done`;
    const after = `home ${home}, shell ${shell}, groups ${groups.join(",") || "none"}`;
    if (observed.kind === "absent") {
      return [
        {
          kind: "create",
          risk: "none",
          before: "",
          after,
          apply: sh`
useradd --system --user-group --no-create-home --home-dir ${home} --shell ${shell} ${name}
${groups.length > 0 ? join : sh`:`}`,
          undo: sh`
if getent passwd ${name} > /dev/null; then userdel ${name}; fi`,
          keptByRollback: true,
        },
      ];
    }
    const now = observed.value;
    const missing = groups.filter((group) => !now.groups.includes(group));
    if (now.home === home && now.shell === shell && missing.length === 0) return [];
    return [
      {
        kind: "update",
        risk: "none",
        before: `home ${now.home}, shell ${now.shell}, groups ${now.groups.join(",") || "none"}`,
        after,
        apply: sh`
usermod --home ${home} --shell ${shell} ${name}
${groups.length > 0 ? join : sh`:`}`,
        undo: sh`usermod --home ${now.home} --shell ${now.shell} ${name}`,
      },
    ];
  },
};
