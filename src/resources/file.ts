/**
 * A file with exactly this content.
 *
 * The probe compares on the board, by one `sha256sum --check` for all files; only a file that differs is
 * sent back, so that a person can see what would change. A secret's old content never leaves the board.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { payloadFile, sh } from "../board/script.js";
import { Secret } from "../shared/secret.js";
import { AbsolutePath, AccountName, Mode, Notifies, SecretValue } from "./fields.js";
import { folderOf, replaceFile, restoreFile, stillIs } from "./replace-file.js";
import {
  absent,
  known,
  resourceId,
  unknowable,
  type Observation,
  type ResourceId,
  type ResourceType,
} from "./resource.js";

/** Larger files that differ are shown by their hash. In bytes. */
const SHOWN_BYTES = 65_536;

const Desired = z.strictObject({
  path: AbsolutePath,
  content: z.union([z.string(), SecretValue]).describe("the whole content; or `template: FILE` instead"),
  mode: Mode.default("0644"),
  owner: AccountName.default("root"),
  group: AccountName.default("root"),
  notifies: Notifies,
  confirmWithinS: z
    .int()
    .min(10)
    .max(600)
    .optional()
    .describe(
      "for what could lock the operator out: undone after so many seconds unless a new connection works",
    ),
});
type Desired = z.infer<typeof Desired>;

interface Observed {
  readonly kind: string;
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  /** Undefined: equal to what is desired. */
  readonly sha256?: string;
  readonly text?: string;
}

export const file: ResourceType<Desired, Observed> = {
  type: "file",
  schema: Desired,
  key: ({ path }) => path,

  probe(all) {
    const sums = all.map(({ desired }) => `${sha256Of(desired.content)}  ${desired.path}\n`).join("");
    const shown = all
      .filter(({ desired }) => !(desired.content instanceof Secret))
      .map(({ desired }) => desired.path);
    return sh`
set -- ${all.map(({ desired }) => desired.path)}
stat -c 'is|%F|0%a|%U|%G|%n' -- "$@" 2>/dev/null
for path; do [ -e "$path" ] || [ -L "$path" ] || printf 'absent|%s\n' "$path"; done
sha256sum --check --quiet ${payloadFile(new Secret(sums))} 2>/dev/null | sed -n 's/: FAILED$//p' | while IFS= read -r path; do
  printf 'differs|%s|%s\n' "$(sha256sum < "$path" | cut -c 1-64)" "$path"
  grep -Fqx -e "$path" ${payloadFile(shown.join("\n"))} || continue
  [ "$(wc -c < "$path")" -gt ${SHOWN_BYTES} ] || printf 'text|%s|%s\n' "$(base64 -w 0 < "$path")" "$path"
done`;
  },

  observe(output) {
    const seen = new Map<ResourceId, Observation<Observed>>();
    for (const line of output.split("\n")) {
      const [word, ...fields] = line.split("|");
      const id = resourceId("file", fields.at(-1) ?? "");
      const before = seen.get(id);
      if (word === "absent") seen.set(id, absent);
      else if (word === "is") {
        const [kind = "", mode = "", owner = "", group = ""] = fields;
        const regular = kind.startsWith("regular");
        seen.set(
          id,
          regular ? known({ kind, mode, owner, group }) : unknowable(`there is a ${kind} at that path`),
        );
      } else if (before?.kind === "known" && word === "differs") {
        seen.set(id, known({ ...before.value, sha256: fields[0] ?? "" }));
      } else if (before?.kind === "known" && word === "text") {
        seen.set(id, known({ ...before.value, text: Buffer.from(fields[0] ?? "", "base64").toString() }));
      }
    }
    return seen;
  },

  diff(desired, observed) {
    const { path, content, mode, owner, group, notifies, confirmWithinS } = desired;
    const isSecret = content instanceof Secret;
    const head = (of: { mode: string; owner: string; group: string }) =>
      `${of.mode} ${of.owner}:${of.group}\n`;
    const after = head(desired) + (isSecret ? "(secret)" : content);
    const shared = {
      after,
      saves: [path],
      undo: restoreFile(path),
      ...(notifies.length > 0 && { notifies }),
      ...(confirmWithinS !== undefined && { confirmWithinS }),
      risk: confirmWithinS === undefined ? ("none" as const) : ("cutoff" as const),
    };

    if (observed.kind === "absent") {
      return [
        {
          ...shared,
          kind: "create",
          before: "",
          folders: [folderOf(path)],
          check: stillIs(path, null),
          apply: replaceFile(path, content, { mode, owner, group }),
        },
      ];
    }

    const now = observed.value;
    const sameAttributes =
      Number.parseInt(now.mode, 8) === Number.parseInt(mode, 8) && now.owner === owner && now.group === group;
    if (now.sha256 === undefined && sameAttributes) return [];
    const shown = isSecret ? "(another secret)" : (now.text ?? `(content with SHA-256 ${now.sha256})`);
    return [
      {
        ...shared,
        kind: "update",
        before: head(now) + (now.sha256 === undefined ? after.slice(head(desired).length) : shown),
        check: stillIs(path, now.sha256 ?? sha256Of(content)),
        apply: replaceFile(path, content, { mode, owner, group }),
      },
    ];
  },
};

function sha256Of(content: string | Secret): string {
  return createHash("sha256")
    .update(content instanceof Secret ? content.reveal() : content)
    .digest("hex");
}
