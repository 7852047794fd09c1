/**
 * The fleet as a command sees it: configuration, selected boards, secrets and logins, loaded once.
 */
import { loadConfig, type BoardConfig, type Config } from "../config/load.js";
import { loadSecrets, type Secrets } from "../config/secrets.js";
import { selectBoards } from "../config/selector.js";
import { loginsFrom, type Asker } from "./logins.js";
import { withBoard, type Connecting } from "./connect.js";
import type { BoardProgress, FleetProgress } from "./progress.js";
import { DEFAULT_PARALLEL, eachBoard, type BoardOutcome } from "./each-board.js";
import { redactor, type Redact } from "../shared/redact.js";
import { completeSecrets, type Making } from "./generated-secrets.js";
import { workspaceAt, type Workspace } from "./workspace.js";
import type { Transport } from "../board/transport.js";

export interface FleetOptions {
  /** Path of imcloud.yaml. */
  readonly config?: string;
  /** Names, groups or @tags; none: all boards. */
  readonly on?: readonly string[];
  readonly parallel?: number;
  readonly acceptNewHostKey?: boolean;
  readonly asker?: Asker;
  readonly signal?: AbortSignal;
  /** How to make secrets that nobody has given. Without it none is made. */
  readonly making?: Pick<Making, "isNew" | "made">;
}

export interface Fleet {
  readonly config: Config;
  readonly boards: readonly BoardConfig[];
  readonly secrets: Secrets;
  readonly workspace: Workspace;
  readonly connecting: Connecting;
  readonly parallel: number;
  /** For what boards print, before anybody sees it or it is written down. */
  readonly redact: Redact;
}

/** @throws ImcloudError of the configuration's, or `cli.usage` for a selector that selects nothing */
export async function openFleet(options: FleetOptions): Promise<Fleet> {
  const config = await loadConfig(options.config === undefined ? {} : { file: options.config });
  const boards = selectBoards(config, options.on ?? []);
  const workspace = workspaceAt(config.folder);
  const secrets =
    options.making === undefined
      ? await loadSecrets(config)
      : await completeSecrets(config, boards, { ...options.making, workspace });
  return {
    config,
    boards,
    secrets,
    workspace,
    parallel: options.parallel ?? DEFAULT_PARALLEL,
    redact: redactor([...secrets.all()].map(([, secret]) => secret)),
    connecting: {
      workspace,
      logins: loginsFrom(secrets, options.asker),
      unknownHostKeys: options.acceptNewHostKey === true ? "record" : "refuse",
      ...(options.signal !== undefined && { signal: options.signal }),
    },
  };
}

function redacted(say: BoardProgress, redact: Redact): BoardProgress {
  return {
    ...say,
    output: (line) => say.output(redact(line)),
    ended: (summary, isGood) => say.ended(redact(summary), isGood),
  };
}

/** Connects to each board and runs a task there; says so. */
export async function onEachBoard<T>(
  fleet: Fleet,
  progress: FleetProgress,
  task: (board: BoardConfig, transport: Transport, say: BoardProgress) => Promise<T>,
): Promise<readonly BoardOutcome<T>[]> {
  return eachBoard(fleet.boards, fleet.parallel, async (board) => {
    const say = redacted(progress.board(board.name), fleet.redact);
    say.doing(board.transport === "local" ? "looking at this machine" : `connecting to ${board.address}`);
    try {
      return await withBoard(board, fleet.connecting, (transport) => task(board, transport, say));
    } catch (error) {
      say.ended(error instanceof Error ? error.message : String(error), false);
      throw error;
    }
  });
}
