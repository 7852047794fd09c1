/**
 * Every value that playbooks set on a board, with its reasons.
 *
 * A file counts as a whole, and so does each `key = value` line of a settings file, with the comment above it.
 */
import { isAbsolute, relative } from "node:path";
import { stringify } from "yaml";
import { packageRoot } from "../shared/package-root.js";
import type { Origin } from "../shared/errors.js";
import type { Use } from "./reasons.js";
import type { ResolvedItem } from "./resolve.js";

export interface Explained {
  /** What a person would ask for: a key, a path, a unit. */
  readonly subject: string;
  readonly resource: string;
  /** A secret is ***; undefined while nobody can know it. */
  readonly value?: string;
  readonly why?: string;
  readonly source?: string;
  readonly from: Pick<Origin, "file" | "line">;
  /** Of a line: the file that it stands in. */
  readonly file?: string;
  readonly uses: readonly Use[];
}

type Resolved = Extract<ResolvedItem, { kind: "resource" }>["resource"];

/** @param folder of imcloud.yaml: files of the operator's are named from there, shipped ones from imcloud's own */
export function explain(items: readonly ResolvedItem[], folder: string): readonly Explained[] {
  const keys = new Set(items.flatMap((item) => (isSysctl(item) ? [subjectOf(item.resource)] : [])));
  return items.flatMap((item): readonly Explained[] => {
    if (item.kind === "deferred") {
      const { title, because, origin } = item;
      const from = placeOf(origin, folder);
      return [{ subject: title.replace(/^file:/, ""), resource: title, why: because, from, uses: [] }];
    }
    const { resource } = item;
    const { why, source, uses } = resource.reasons();
    const whole: Explained = {
      subject: subjectOf(resource),
      resource: resource.id,
      value: valueOf(resource.desired),
      ...(why !== undefined && { why }),
      ...(source !== undefined && { source }),
      from: placeOf(resource.origin, folder),
      uses: uses(),
    };
    return [whole, ...linesOf(resource, whole).filter(({ subject }) => !keys.has(subject))];
  });
}

const isSysctl = (item: ResolvedItem): item is Extract<ResolvedItem, { kind: "resource" }> =>
  item.kind === "resource" && item.resource.type.type === "sysctl";

/** Types whose things people call by their own name; the others need their type's before it. */
const OWN_NAME = ["file", "directory", "artifact", "sysctl", "service"];

const subjectOf = ({ id, type, desired }: Resolved): string =>
  OWN_NAME.includes(type.type) ? type.key(desired) : id;

function valueOf(desired: unknown): string {
  // As JSON first: that is where a secret becomes ***.
  const plain = JSON.parse(JSON.stringify(desired)) as Record<string, unknown>;
  delete plain["source"]; // where an artifact lies on the operator's machine
  if (typeof plain["content"] === "string") return plain["content"].trimEnd();
  if (typeof plain["value"] === "string") return plain["value"];
  return stringify(plain, { collectionStyle: "flow", lineWidth: 0 }).trim();
}

const SETTING = /^\s*([A-Za-z][\w.-]*)\s*=\s*(\S.*)$/;
const COMMENT = /^\s*(?:#|%%|\/\/)\s*(.*)$/;

/** The lines of a settings file; a program's are its own business. */
function linesOf(resource: Resolved, whole: Explained): readonly Explained[] {
  const { content, mode } = resource.desired as { readonly content?: unknown; readonly mode?: string };
  if (resource.type.type !== "file" || typeof content !== "string" || mode?.includes("7") === true) return [];
  const { template = "", uses } = resource.reasons();
  const before = template.split("\n");
  const lines = content.split("\n");
  return lines.flatMap((line, at): readonly Explained[] => {
    const [, key, value] = SETTING.exec(line) ?? [];
    if (key === undefined || value === undefined) return [];
    const comment = COMMENT.exec(lines[at - 1] ?? "")?.[1];
    const why = comment?.startsWith("Managed by imcloud") === true ? undefined : comment;
    const raw = before.find((each) => SETTING.exec(each)?.[1] === key);
    return [
      {
        subject: key,
        resource: whole.resource,
        value,
        ...(why !== undefined && { why }),
        from: whole.from,
        file: whole.subject,
        uses: raw === undefined ? [] : uses(raw),
      },
    ];
  });
}

function placeOf({ file, line }: Origin, folder: string): Explained["from"] {
  const near = [folder, packageRoot()]
    .map((root) => relative(root, file))
    .find((path) => !path.startsWith("..") && !isAbsolute(path));
  return { file: near ?? file, line };
}
