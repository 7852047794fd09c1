/**
 * From the changes of a wave to the payload that carries them out.
 */
import { createHash } from "node:crypto";
import { sh, type Content, type Script } from "../board/script.js";
import { LEDGER_VERSION, RUNS, RUNTIME, stopFileOf } from "../board/state.js";
import type { ManagedEntry, RunHandle } from "./types.js";
import { runnerScript } from "./runner.js";

/** What the runner needs to know of a step. A change is one; so is an undo. */
export interface Step {
  readonly title: string;
  readonly apply: Script;
  readonly check?: Script;
  readonly undo?: Script;
  readonly saves?: readonly string[];
  readonly folders?: readonly string[];
  readonly keptByRollback?: boolean;
  readonly confirmWithinS?: number;
  readonly withinS?: number;
  readonly notifies?: readonly string[];
  /** Makes the board remember that imcloud manages this. */
  readonly manage?: Omit<ManagedEntry, "version" | "since">;
  /** Makes the board forget it: the id of a ledger entry. */
  readonly forget?: string;
  /** Not if the entry is one of data by then: what is left of it is known until that goes too. */
  readonly unlessData?: boolean;
}

/** Where in the ledger an id is: ids hold slashes and worse. */
export function ledgerFolder(id: string): string {
  return createHash("sha256").update(id).digest("hex").slice(0, 24);
}

/**
 * The script that starts a wave detached and follows its journal.
 *
 * It prints the journal to its end. Losing the connection ends only the following.
 */
export function compileRun(steps: readonly Step[], handle: RunHandle): Script {
  const text = sh`
set -eu
dir=${RUNTIME}/run-${handle.run}
mkdir -p ${RUNS}/${handle.run}
# Room for the journal, or nothing begins.
head -c 16384 /dev/zero > ${RUNS}/${handle.run}/journal
: > ${RUNS}/${handle.run}/journal
mv "$IMCLOUD_DIR" "$dir"
systemd-run --quiet --collect --unit=${unitName(handle)} --description=${`imcloud run ${handle.run}`} \
  --setenv=IMCLOUD_DIR="$dir" --setenv=IMCLOUD_FILES="$dir/files" --setenv=IMCLOUD_SAVED= \
  /bin/sh "$dir/files/runner" ${handle.run} ${handle.nonce}
${followScript(handle)}`;

  const files = steps.flatMap((step, index) => filesOfStep(step, stepName(index), handle));
  return { text: text.text, files: new Map([["runner", runnerScript().text], ...files]) };
}

/**
 * Prints a run's journal from its beginning until the run has ended.
 *
 * tail(1) looks for the process's end once a second unless told otherwise, and for news too where inotify(7) is of no
 * use to it: on an overlay, as of a card kept read-only.
 */
export function followScript(handle: RunHandle): Script {
  return sh`
pid=$(systemctl show -p MainPID ${unitName(handle)} | sed 's/^MainPID=//')
if [ "\${pid:-0}" -gt 0 ]; then
  exec tail -n +1 -s 0.1 -f --pid="$pid" ${RUNS}/${handle.run}/journal
fi
exec cat ${RUNS}/${handle.run}/journal`;
}

/** Asks a run, and no other, to stop before its next step; also one that has still to begin. */
export function stopScript({ run }: RunHandle): Script {
  return sh`: > ${stopFileOf(run)}`;
}

const unitName = ({ run }: RunHandle): string => `imcloud-run-${run}.service`;
const stepName = (index: number): string => String(index + 1).padStart(4, "0");

/** The step's folder in the payload, and the files that its scripts refer to. */
function filesOfStep(step: Step, name: string, handle: RunHandle): readonly (readonly [string, Content])[] {
  if (step.undo !== undefined && step.undo.files.size > 0) {
    throw new Error(`the undo of "${step.title}" needs files, which do not outlive the run`);
  }
  const entry: ManagedEntry | undefined = step.manage && {
    version: LEDGER_VERSION,
    ...step.manage,
    since: `${handle.run}/${name}`,
  };
  const parts: Readonly<Record<string, string | undefined>> = {
    title: oneLine(step.title),
    apply: step.apply.text,
    check: step.check?.text,
    undo: step.undo?.text,
    saves: step.saves?.map((path) => `${path}\n`).join(""),
    folders: step.folders?.map((path) => `${path}\n`).join(""),
    kept: step.keptByRollback === true ? "kept by rollback\n" : undefined,
    confirm: step.confirmWithinS === undefined ? undefined : String(step.confirmWithinS),
    within: step.withinS === undefined ? undefined : String(step.withinS),
    notifies: step.notifies?.map((unit) => `${unit}\n`).join(""),
    ledger: step.manage && ledgerFolder(step.manage.id),
    entry: entry && `${JSON.stringify(entry)}\n`,
    forget: step.forget === undefined ? undefined : ledgerFolder(step.forget),
    "unless-data": step.unlessData === true ? "unless data\n" : undefined,
  };
  return [
    ...Object.entries(parts).flatMap(([part, content]): (readonly [string, Content])[] =>
      content === undefined || content === "" ? [] : [[`steps/${name}/${part}`, content]],
    ),
    ...step.apply.files,
    ...(step.check?.files ?? []),
  ];
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();
