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
import { harmOf } from "./sysctl-folklore.js";
import { absent, known, type Observation, type ResourceId, type ResourceType } from "./resource.js";

const Desired = z
  .strictObject({
    key: z
      .string()
      .regex(/^\w[\w.-]*$/)
      .describe("dotted name: `net.core.somaxconn`"),
    value: z.coerce.string().min(1).transform(oneSpaced).describe("`4096`, or several: `4096 87380 6291456`"),
    atLeast: z
      .boolean()
      .default(false)
      .describe("true: a higher value that the system has set is left alone"),
    force: z.boolean().optional().describe("true: take a value that imcloud refuses because it does harm"),
  })
  .superRefine(({ key, value, force }, refusal) => {
    const harm = force === true ? undefined : harmOf(key, value);
    if (harm === undefined) return;
    refusal.addIssue({
      code: "custom",
      path: ["value"],
      message: `\`${key} = ${value}\` does harm: ${harm}`,
      params: { hint: "leave it out; or insist, in a playbook of your own, by `force: true` beside `value`" },
    });
  });
type Desired = z.infer<typeof Desired>;

const pathOf = (key: string) => `/proc/sys/${key.replaceAll(".", "/")}`;

/** Setting one of a pair makes the other 0, and 0 cannot be set: going back means setting the other. Source: admin-guide/sysctl/vm. */
const TWINS: Readonly<Record<string, string>> = {
  "vm.dirty_bytes": "vm.dirty_ratio",
  "vm.dirty_background_bytes": "vm.dirty_background_ratio",
};

interface Observed {
  readonly value: string;
  readonly twin?: string;
}

export const sysctl: ResourceType<Desired, Observed> = {
  type: "sysctl",
  schema: Desired,
  key: ({ key }) => key,

  // One process for all keys. Not `read`: dash reads a byte at a time, and the kernel answers only the first.
  probe: (all) => sh`
set -- ${all.map(({ desired }) => pathOf(desired.key))} ${all.flatMap(({ desired: { key } }) => TWINS[key] ?? []).map(pathOf)}
for path; do [ -e "$path" ] || printf 'absent:%s\n' "$path"; done
grep -sH '' "$@"`,

  // A key that is neither absent nor shown stays out of the map: the engine takes it as unknowable.
  observe(output, all) {
    const values = new Map<string, Observation<string>>();
    for (const line of output.split("\n")) {
      const gone = /^absent:\/proc\/sys\/(.+)$/.exec(line)?.[1];
      if (gone !== undefined) values.set(gone.replaceAll("/", "."), absent);
      const [, path, value] = /^\/proc\/sys\/([^:]+):(.*)$/.exec(line) ?? [];
      const name = path?.replaceAll("/", ".");
      if (name !== undefined && !values.has(name)) values.set(name, known(oneSpaced(value ?? "")));
    }
    return new Map(
      all.flatMap(({ id, desired: { key } }): [ResourceId, Observation<Observed>][] => {
        const seen = values.get(key);
        if (seen?.kind !== "known") return seen === undefined ? [] : [[id, absent]];
        const twin = values.get(TWINS[key] ?? "");
        return [[id, known({ value: seen.value, ...(twin?.kind === "known" && { twin: twin.value }) })]];
      }),
    );
  },

  diff({ key, value, atLeast }, observed) {
    const before = observed.kind === "known" ? observed.value.value : observed.kind;
    if (before === value || (atLeast && Number(before) >= Number(value))) return [];
    const write = (name: string, to: string) => sh`printf '%s\n' ${to} > ${pathOf(name)}`;
    const twin = observed.kind === "known" && before === "0" ? observed.value.twin : undefined;
    const undo = twin === undefined ? write(key, before) : write(TWINS[key] ?? key, twin);
    return [
      {
        kind: "update",
        risk: "none",
        before,
        after: value,
        apply: write(key, value),
        ...(observed.kind === "known" && { undo }),
      },
    ];
  },
};

/** The kernel separates numbers by tabs, people by spaces. */
function oneSpaced(value: string): string {
  return value.trim().replaceAll(/\s+/g, " ");
}
