/**
 * One line in a file that is otherwise somebody else's.
 *
 * With `match`, the first line that matches is replaced; otherwise the line is added at the end, if it is not there. Only that line
 * is touched, also when it is taken back: the rest of the file may change meanwhile.
 */
import { z } from "zod";
import { lines, sh, type Script } from "../board/script.js";
import { AbsolutePath, Notifies } from "./fields.js";
import { folderOf, rewriteFile } from "./replace-file.js";
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

export const line: ResourceType<Desired, readonly string[]> = {
  type: "line",
  schema: Desired,
  key: ({ path, line: wanted, match }) => `${path}#${match ?? wanted}`,

  probe(all) {
    const paths = [...new Set(all.map(({ desired }) => desired.path))];
    return sh`
set -- ${paths}
for path; do if [ -e "$path" ]; then printf 'is|%s\n' "$path"; else printf 'absent|%s\n' "$path"; fi; done
grep -sH '' -- "$@" | sed 's/^/line|/'`;
  },

  observe(output, all) {
    const files = new Map<string, Observation<readonly string[]>>();
    for (const row of output.split("\n")) {
      const [, word, path = "", text = ""] = /^(is|absent|line)\|([^:]*):?(.*)$/s.exec(row) ?? [];
      const before = files.get(path);
      if (word === "absent") files.set(path, absent);
      else if (word === "is") files.set(path, known([]));
      else if (word === "line" && before?.kind === "known") files.set(path, known([...before.value, text]));
    }
    return new Map(
      all.flatMap(({ id, desired }): [ResourceId, Observation<readonly string[]>][] => {
        const seen = files.get(desired.path);
        return seen === undefined ? [] : [[id, seen]];
      }),
    );
  },

  diff({ path, line: wanted, match, notifies }, observed) {
    const there = observed.kind === "absent" ? [] : observed.value;
    const pattern = match === undefined ? undefined : new RegExp(match);
    const old = there.find((text) => (pattern === undefined ? text === wanted : pattern.test(text)));
    // Once replaced, the line need not match any more: being there is enough.
    if (old === wanted || (old === undefined && there.includes(wanted))) return [];

    return [
      {
        kind: observed.kind === "absent" ? "create" : "update",
        risk: "none",
        before: old ?? "",
        after: wanted,
        // Other lines of the file are other people's, and may have changed.
        check: old === undefined ? sh`! grep -qsFx -e ${wanted} ${path}` : sh`grep -qFx -e ${old} ${path}`,
        folders: [folderOf(path)],
        apply: lines([
          sh`[ -z "\${IMCLOUD_LEDGER:-}" ] || printf '%s\n' ${wanted} > "$IMCLOUD_LEDGER/line"`,
          old === undefined ? appendLine(path, wanted) : exchangeLine(path, old, wanted),
        ]),
        undo: takeBack(path, wanted, old, observed.kind === "absent"),
        ...(notifies.length > 0 && { notifies }),
      },
    ];
  },
};

/** Edits a copy with awk, which takes the texts from its environment as they are, and puts it in place. */
function edit(path: string, program: string, old: Script, wanted: string): Script {
  return sh`
[ -e ${path} ] || exit 0
${rewriteFile(path, sh`OLD=${old} NEW=${wanted} awk ${program} ${path}`)}`;
}

const FIRST = `!done && $0 == ENVIRON["OLD"]`;
const EXCHANGE = `${FIRST} { print ENVIRON["NEW"]; done = 1; next } { print }`;
const REMOVE = `${FIRST} { done = 1; next } { print }`;

export const exchangeLine = (path: string, old: string, wanted: string): Script =>
  edit(path, EXCHANGE, sh`${old}`, wanted);

export const removeLine = (path: string, old: string): Script => edit(path, REMOVE, sh`${old}`, "");

/** The ledger keeps the undo of the first change, and what the line has become since. */
const takeBack = (path: string, wanted: string, old: string | undefined, isNew: boolean): Script => sh`
now=${wanted}
if [ -s "\${IMCLOUD_SAVED:-}/line" ] && ! grep -qsFx -e "$now" ${path}; then IFS= read -r now < "$IMCLOUD_SAVED/line"; fi
${edit(path, old === undefined ? REMOVE : EXCHANGE, sh`"$now"`, old ?? "")}
! ${isNew} || [ -s ${path} ] || rm ${path}`;

export const appendLine = (path: string, wanted: string): Script => sh`
[ -e ${path} ] || : > ${path}
${edit(path, `{ print } END { print ENVIRON["NEW"] }`, sh`''`, wanted)}`;

/** Kept apart from the schema: a pattern that does not compile is bad input, not a bug. */
function isPattern(source: string): boolean {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}
