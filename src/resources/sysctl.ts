/**
 * A kernel parameter in the running kernel.
 *
 * What it will be at the next boot is the drop-in's business, a `file` resource of the same playbook: a board
 * that has only one of the two behaves differently after a power cut.
 *
 * Source: proc(5).
 */
import { z } from "zod";
import { sh } from "../board/script.js";
import {
  absent,
  known,
  resourceId,
  type Observation,
  type ResourceId,
  type ResourceType,
} from "./resource.js";

const Desired = z.strictObject({
  key: z
    .string()
    .regex(/^\w[\w.-]*$/)
    .describe("dotted name: `net.core.somaxconn`"),
  value: z.coerce.string().min(1).transform(oneSpaced).describe("`4096`, or several: `4096 87380 6291456`"),
  atLeast: z.boolean().default(false).describe("true: a higher value that the system has set is left alone"),
});
type Desired = z.infer<typeof Desired>;

const pathOf = (key: string) => `/proc/sys/${key.replaceAll(".", "/")}`;
const idOf = (path: string): ResourceId => resourceId("sysctl", path.replaceAll("/", "."));

export const sysctl: ResourceType<Desired, string> = {
  type: "sysctl",
  schema: Desired,
  key: ({ key }) => key,

  // One process for all keys. Not `read`: dash reads a byte at a time, and the kernel answers only the first.
  probe: (all) => sh`
set -- ${all.map(({ desired }) => pathOf(desired.key))}
for path; do [ -e "$path" ] || printf 'absent:%s\n' "$path"; done
grep -sH '' "$@"`,

  // A key that is neither absent nor shown stays out of the map: the engine takes it as unknowable.
  observe: (output) =>
    new Map(
      output.split("\n").flatMap((line): [ResourceId, Observation<string>][] => {
        const gone = /^absent:\/proc\/sys\/(.+)$/.exec(line)?.[1];
        if (gone !== undefined) return [[idOf(gone), absent]];
        const [, path, value] = /^\/proc\/sys\/([^:]+):(.*)$/.exec(line) ?? [];
        return path === undefined ? [] : [[idOf(path), known(oneSpaced(value ?? ""))]];
      }),
    ),

  diff({ key, value, atLeast }, observed) {
    const before = observed.kind === "known" ? observed.value : observed.kind;
    if (before === value || (atLeast && Number(before) >= Number(value))) return [];
    const set = (to: string) => sh`printf '%s\n' ${to} > ${pathOf(key)}`;
    return [
      {
        kind: "update",
        risk: "none",
        before,
        after: value,
        apply: set(value),
        ...(observed.kind === "known" && { undo: set(observed.value) }),
      },
    ];
  },
};

/** The kernel separates numbers by tabs, people by spaces. */
function oneSpaced(value: string): string {
  return value.trim().replaceAll(/\s+/g, " ");
}
