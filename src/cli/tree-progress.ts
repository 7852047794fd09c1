/**
 * Progress as a tree on a terminal: a line a board, below it the last lines of the running step.
 *
 * listr2 draws it; it writes to stdout unless told otherwise at several places, which are all here. While
 * somebody is asked something the tree is taken down, and set up again for what comes after.
 */
import {
  Listr,
  ListrLogger,
  ProcessOutput,
  type DefaultRenderer,
  type ListrTaskWrapper,
  type SimpleRenderer,
} from "listr2";
import type { FleetProgress } from "../fleet/progress.js";
import type { Terminal } from "./terminal.js";
import { secondsOf } from "./words.js";

type Task = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>;

interface Row {
  title: string;
  task?: Task;
  settle?: (isGood: boolean) => void;
  end?: { readonly isGood: boolean };
}

/** Lines of a step's output that stay in view. */
const OUTPUT_LINES = 3;

export function treeProgress(
  boards: readonly string[],
  paint: Terminal["paint"],
): FleetProgress & { suspend(): Promise<void> } {
  const rows = new Map<string, Row>(boards.map((name) => [name, { title: name }]));
  let drawing: Promise<unknown> | undefined;

  const draw = (): void => {
    if (drawing !== undefined) return;
    const open = [...rows.values()].filter((row) => row.end === undefined);
    drawing = new Listr(
      open.map((row) => ({
        title: row.title,
        task: (_context: unknown, task: Task) => follow(row, task),
        rendererOptions: { outputBar: OUTPUT_LINES },
      })),
      {
        concurrent: true,
        exitOnError: false,
        // Ctrl-C is the command's to answer: see terminal.ts.
        registerSignalListeners: false,
        rendererOptions: { logger: stderrLogger(), collapseErrors: false, showErrorMessage: false },
      },
    ).run();
  };
  const show = (name: string, title: string): void => {
    const row = rows.get(name) ?? { title: name };
    rows.set(name, row);
    row.title = title;
    if (row.task !== undefined) row.task.title = title;
    draw();
  };
  const takeDown = async (): Promise<void> => {
    for (const row of rows.values()) row.settle?.(true);
    await drawing;
    drawing = undefined;
  };

  return {
    board: (name) => ({
      doing: (what) => show(name, `${name}: ${what}`),
      measured: () => undefined,
      stepStarted: (title, index, count) => show(name, `${name}: [${index}/${count}] ${title}`),
      output: (line) => {
        const task = rows.get(name)?.task;
        if (task !== undefined) task.output = printable(line);
      },
      stepEnded: (title, outcome, durationMs, index, count) => {
        const words = outcome === "done" ? "" : `: ${paint.red(outcome)}`;
        show(name, `${name}: [${index}/${count}] ${title}${words}${paint.dim(secondsOf(durationMs))}`);
      },
      ended: (summary, isGood) => {
        const row = rows.get(name);
        show(name, `${name}: ${isGood ? summary : paint.red(summary)}`);
        if (row === undefined) return;
        row.end = { isGood };
        row.settle?.(isGood);
      },
    }),
    end: takeDown,
    suspend: takeDown,
  };
}

async function follow(row: Row, task: Task): Promise<void> {
  row.task = task;
  task.title = row.title;
  if (row.end !== undefined) return endWith(row.end.isGood);
  return new Promise((resolve, reject) => {
    row.settle = (isGood) => {
      delete row.task;
      if (isGood) resolve();
      else reject(new Error(row.title));
    };
  });
}

function endWith(isGood: boolean): void {
  if (!isGood) throw new Error("ended before it was drawn");
}

/** A board's output may hold anything; a cursor movement of its own would tear the tree apart. */
function printable(line: string): string {
  return line.replaceAll(/\x1b\[[0-9;?]*[a-zA-Z]/g, "").replaceAll(/[\x00-\x08\x0b-\x1f\x7f]/g, "");
}

function stderrLogger(): ListrLogger {
  return new ListrLogger({
    useIcons: true,
    toStderr: [],
    processOutput: new ProcessOutput(process.stderr, process.stderr),
  });
}
