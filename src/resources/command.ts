/**
 * A command for what no other type can say, with a guard that tells whether it is still to be run.
 *
 * The guard is asked at every run, as root, and must only look and be quick: it is the one probe whose cost
 * grows with the number of resources.
 */
import { z } from "zod";
import { lines, payloadFile, sh, type Script } from "../board/script.js";
import { Notifies, SecretValue } from "./fields.js";
import {
  absent,
  known,
  resourceId,
  type Observation,
  type ResourceId,
  type ResourceType,
} from "./resource.js";

const ShellText = z
  .string()
  .min(1)
  .max(65_536)
  .refine((text) => !text.includes("\0"), "no NUL bytes");

const Desired = z.strictObject({
  name: z.string().regex(/^[\w .:-]+$/, "letters, digits, space and `.:_-`"),
  unless: ShellText.describe("POSIX shell that succeeds when there is nothing to do; must only look"),
  run: ShellText.describe("POSIX shell, run with `set -eu`; safe to run twice"),
  input: SecretValue.optional().describe("what `run` reads from its standard input"),
  undo: ShellText.optional().describe("POSIX shell that reverts it"),
  withinS: z
    .int()
    .min(1)
    .max(86_400)
    .optional()
    .describe("seconds after which it is stopped, and the run has failed; an hour, if nothing is said"),
  notifies: Notifies,
});
type Desired = z.infer<typeof Desired>;

export const command: ResourceType<Desired, "done"> = {
  type: "command",
  schema: Desired,
  key: ({ name }) => name,

  probe(all) {
    const ask = all.map(
      ({ desired }) => sh`
if sh -c ${desired.unless} > /dev/null 2>&1; then printf 'done %s\n' ${desired.name}; else printf 'todo %s\n' ${desired.name}; fi`,
    );
    return sh`${joined(ask)}`;
  },

  observe: (output) =>
    new Map(
      output.split("\n").flatMap((row): [ResourceId, Observation<"done">][] => {
        const [, word, name] = /^(done|todo) (.+)$/.exec(row) ?? [];
        return name === undefined
          ? []
          : [[resourceId("command", name), word === "done" ? known("done") : absent]];
      }),
    ),

  diff({ run, input, undo, unless, withinS, notifies }, observed) {
    if (observed.kind === "known") return [];
    return [
      {
        kind: "create",
        risk: "none",
        before: "",
        after: run.trimEnd(),
        // A step before it may have done it meanwhile, as a package does that brings what the guard looks for.
        apply: lines([
          sh`! sh -c ${unless} > /dev/null 2>&1 || exit 0`,
          input === undefined ? asScript(run) : sh`sh -eu -c ${run} < ${payloadFile(input)}`,
        ]),
        ...(undo !== undefined && { undo: asScript(undo) }),
        ...(withinS !== undefined && { withinS }),
        ...(notifies.length > 0 && { notifies }),
      },
    ];
  },
};

const asScript = (text: string): Script => ({ text, files: new Map() });
const joined = (all: readonly Script[]): Script => asScript(all.map(({ text }) => text).join("\n"));
