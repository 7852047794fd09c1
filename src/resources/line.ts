/**
 * One line in a file that is otherwise somebody else's.
 *
 * With `match`, the first line that matches is replaced; otherwise the line is added at the end. The file
 * itself must be there.
 */
import { z } from "zod";
import { sh } from "../board/script.js";
import { AbsolutePath, Notifies } from "./fields.js";
import { replaceFile, restoreFile, stillIs } from "./replace-file.js";
import { absent, known, type Observation, type ResourceId, type ResourceType } from "./resource.js";

const Desired = z.strictObject({
  path: AbsolutePath,
  line: z.string().regex(/^[^\n\r\u0000]+$/, "one line"),
  match: z
    .string()
    .refine(isPattern, "a regular expression")
    .optional()
    .describe("regular expression of the line to replace"),
  notifies: Notifies,
});
type Desired = z.infer<typeof Desired>;

interface Observed {
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  readonly sha256: string;
  readonly lines: readonly string[];
}

export const line: ResourceType<Desired, Observed> = {
  type: "line",
  schema: Desired,
  key: ({ path, line: wanted, match }) => `${path}#${match ?? wanted}`,

  probe(all) {
    const paths = [...new Set(all.map(({ desired }) => desired.path))];
    return sh`
set -- ${paths}
stat -c 'is|0%a|%U|%G|%n' -- "$@" 2>/dev/null
for path; do [ -e "$path" ] || printf 'absent|%s\n' "$path"; done
sha256sum -- "$@" 2>/dev/null | sed -n 's/^\([0-9a-f]*\)  /sum|\1|/p'
grep -sH '' -- "$@" | sed 's/^/line|/'`;
  },

  observe(output, all) {
    const files = new Map<string, Observation<Observed>>();
    for (const row of output.split("\n")) {
      const [word, ...fields] = row.split("|");
      const [mode = "", owner = "", group = "", path = ""] = fields;
      if (word === "absent") files.set(fields[0] ?? "", absent);
      else if (word === "is") files.set(path, known({ mode, owner, group, sha256: "", lines: [] }));
      else if (word === "sum") {
        const before = files.get(fields[1] ?? "");
        if (before?.kind === "known")
          files.set(fields[1] ?? "", known({ ...before.value, sha256: fields[0] ?? "" }));
      } else if (word === "line") {
        const [, name = "", text = ""] = /^line\|([^:]*):(.*)$/s.exec(row) ?? [];
        const before = files.get(name);
        if (before?.kind === "known")
          files.set(name, known({ ...before.value, lines: [...before.value.lines, text] }));
      }
    }
    return new Map(
      all.flatMap(({ id, desired }): [ResourceId, Observation<Observed>][] => {
        const seen = files.get(desired.path);
        return seen === undefined ? [] : [[id, seen]];
      }),
    );
  },

  diff({ path, line: wanted, match, notifies }, observed) {
    const lines = observed.kind === "absent" ? [] : observed.value.lines;
    const attributes =
      observed.kind === "absent" ? { mode: "0644", owner: "root", group: "root" } : observed.value;
    const pattern = match === undefined ? undefined : new RegExp(match);
    const place = lines.findIndex((text) => (pattern === undefined ? text === wanted : pattern.test(text)));
    if (lines[place] === wanted) return [];

    const replaced = place === -1 ? [...lines, wanted] : lines.with(place, wanted);
    const text = (all: readonly string[]) => all.map((each) => `${each}\n`).join("");
    return [
      {
        kind: observed.kind === "absent" ? "create" : "update",
        risk: "none",
        before: lines[place] ?? "",
        after: wanted,
        check: stillIs(path, observed.kind === "absent" ? null : observed.value.sha256),
        apply: replaceFile(path, text(replaced), attributes),
        saves: [path],
        undo: restoreFile(path),
        ...(notifies.length > 0 && { notifies }),
      },
    ];
  },
};

/** Kept apart from the schema: a pattern that does not compile is bad input, not a bug. */
function isPattern(source: string): boolean {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}
