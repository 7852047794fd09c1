/**
 * One script that asks a board everything: its facts, imcloud's own state there, and every resource.
 *
 * The answer is cut apart at lines that carry a nonce, so no file content and no program's output can pass
 * for the beginning of another section.
 */
import { z } from "zod";
import { randomBytes } from "node:crypto";
import { factsScript, parseFacts, type Facts } from "../board/facts.js";
import { lines, sh, type Script } from "../board/script.js";
import { CURRENT, LOCK, MANAGED, PENDING, RUNS, UNCONFIRMED } from "../board/state.js";
import type { Transport } from "../board/transport.js";
import type { Located, RegisteredType } from "../resources/resource.js";
import { ImcloudError } from "../shared/errors.js";
import type { BoardState, ManagedEntry, Resource, RunHandle } from "./types.js";

/** A probe only looks; a board that needs longer than this has a broken disk. In milliseconds. */
const PROBE_DEADLINE_MS = 120_000;

export interface ProbeAnswer {
  readonly facts: Facts;
  readonly state: BoardState;
  /** What each type's fragment printed, by type. */
  readonly sections: ReadonlyMap<string, string>;
}

/**
 * Asks the board, in one exec.
 *
 * @param resources may be empty: then only facts and state come back
 * @throws ImcloudError `board.script-failed` when the script itself breaks
 */
export async function probe(
  transport: Transport,
  resources: readonly Resource[],
  facts?: Facts,
): Promise<ProbeAnswer> {
  const nonce = randomBytes(16).toString("hex");
  const groups = facts === undefined ? [] : groupByType(resources);
  const script = lines([
    section(nonce, "facts", factsScript()),
    section(nonce, "state", stateScript()),
    ...groups.map(([type, all]) => section(nonce, `type:${type.type}`, type.probe(all, facts as Facts))),
    sh`printf '\n@@imcloud %s end\n' ${nonce}`,
  ]);

  const { stdout, stderr } = await transport.exec(script, { deadlineMs: PROBE_DEADLINE_MS });
  const sections = cut(stdout, nonce);
  const factsText = sections.get("facts");
  const stateText = sections.get("state");
  if (factsText === undefined || stateText === undefined || !sections.has("end")) {
    throw new ImcloudError("board.script-failed", `\`${transport.board}\` did not answer the whole probe`, {
      found: stderr.trim().split("\n").slice(-3).join("; ") || "nothing on stderr",
      hint: "run again with --verbose; if it stays, this board's system lacks something imcloud relies on",
    });
  }
  return {
    facts: readFacts(transport.board, factsText),
    state: parseState(stateText),
    sections: new Map(
      [...sections].filter(([name]) => name.startsWith("type:")).map(([name, text]) => [name.slice(5), text]),
    ),
  };
}

/** The resources of each type, types in order of first appearance. */
export function groupByType(
  resources: readonly Resource[],
): readonly (readonly [RegisteredType, readonly Located<unknown>[]])[] {
  const groups = new Map<RegisteredType, Resource[]>();
  for (const resource of resources)
    groups.set(resource.type, [...(groups.get(resource.type) ?? []), resource]);
  return [...groups];
}

function section(nonce: string, name: string, fragment: Script): Script {
  return sh`printf '\n@@imcloud %s %s\n' ${nonce} ${name}
(
${fragment}
)`;
}

function cut(output: string, nonce: string): Map<string, string> {
  const parts = output.split(new RegExp(`(?:^|\\n)@@imcloud ${nonce} (.+)\\n`));
  const sections = new Map<string, string>();
  for (let index = 1; index + 1 < parts.length; index += 2)
    sections.set(parts[index] ?? "", parts[index + 1] ?? "");
  return sections;
}

function readFacts(board: string, text: string): Facts {
  try {
    return parseFacts(text);
  } catch (cause) {
    const found =
      cause instanceof z.ZodError ? cause.issues.map(({ path }) => path.join(".")).join(", ") : String(cause);
    throw new ImcloudError("board.unsupported", `\`${board}\` does not tell what it is`, {
      found: `no usable answer for: ${found}`,
      expected: "a Debian, Ubuntu or Raspberry Pi OS userland with systemd",
      hint: "flash a supported image; docs/getting-started.md names them",
      cause,
    });
  }
}

/**
 * Prints `running RUN NONCE` while somebody holds the lock, `last RUN MARKER...` for the newest other run,
 * `unconfirmed RUN TITLE` and `read-by UNIT` for what waits for its confirmation, `owes UNIT` for a restart that did
 * not come, and the ledger, one JSON document a line.
 */
function stateScript(): Script {
  return sh`
running=
if [ -e ${LOCK} ] && ! flock -s -n ${LOCK} true; then
  read -r running nonce < ${CURRENT} && printf 'running %s %s\n' "$running" "$nonce"
fi
for j in ${RUNS}/*/journal; do
  [ -e "$j" ] || continue
  d="\${j%/journal}"
  [ "\${d##*/}" = "$running" ] || last=$d
done
if [ -n "\${last:-}" ]; then
  printf 'last %s %s\n' "\${last##*/}" "$(tail -n 1 "$last/journal")"
fi
if [ -e /run/systemd/timesync/synchronized ]; then echo "clock $(date +%s) synchronized"; else echo "clock $(date +%s)"; fi
for change in ${UNCONFIRMED}/*; do
  [ -e "$change/title" ] || continue
  id="\${change##*/}"
  printf 'unconfirmed %s %s\n' "\${id%-*}" "$(cat "$change/title")"
  [ ! -e "$change/notifies" ] || sed 's/^/read-by /' "$change/notifies"
done
for debt in ${PENDING}/*; do [ ! -e "$debt" ] || printf 'owes %s\n' "\${debt##*/}"; done
cat ${MANAGED}/*/entry 2>/dev/null
:`;
}

const Entry = z.object({
  version: z.number().int(),
  id: z.string(),
  since: z.string(),
  title: z.string(),
  isData: z.boolean(),
  revertible: z.boolean(),
});

/** Pure; exported for its tests. */
export function parseState(text: string): BoardState {
  const managed: ManagedEntry[] = [];
  let running: RunHandle | undefined;
  let last: BoardState["last"];
  let clock: BoardState["clock"];
  let unconfirmed: BoardState["unconfirmed"];
  const units: string[] = [];
  const owing: string[] = [];
  for (const line of text.split("\n")) {
    const [word, run, ...rest] = line.split(" ");
    if (line.startsWith("{")) managed.push(Entry.parse(JSON.parse(line)) as ManagedEntry);
    else if (word === "running" && run !== undefined && rest[0] !== undefined)
      running = { run, nonce: rest[0] };
    else if (word === "clock") clock = { epochS: Number(run), synchronized: rest[0] === "synchronized" };
    else if (word === "unconfirmed" && run !== undefined) unconfirmed = { run, title: rest.join(" "), units };
    else if (word === "read-by" && run !== undefined) units.push(run);
    else if (word === "owes" && run !== undefined) owing.push(run);
    else if (word === "last" && run !== undefined) last = { run, outcome: outcomeOf(rest) };
  }
  return {
    ...(running && { running }),
    ...(last && { last }),
    ...(clock && { clock }),
    ...(unconfirmed && { unconfirmed }),
    managed,
    owing,
  };
}

/** The last line of a finished journal is `@imcloud NONCE TIME end OUTCOME`; anything else was cut short. */
function outcomeOf(marker: readonly string[]): NonNullable<BoardState["last"]>["outcome"] {
  const [at, , , word, outcome] = marker;
  if (at !== "@imcloud" || word !== "end") return "interrupted";
  return outcome === "done" || outcome === "failed" || outcome === "stopped" ? outcome : "interrupted";
}
