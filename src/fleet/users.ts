/** Accounts of the cloud, made on a board that runs the IM server. */
import { payloadFile, sh } from "../board/script.js";
import type { BoardConfig } from "../config/load.js";
import { ImcloudError } from "../shared/errors.js";
import type { Secret } from "../shared/secret.js";
import { withBoard } from "./connect.js";
import type { Fleet } from "./fleet.js";

const DEADLINE_MS = 60_000;

export interface NewUser {
  /** The part of the user id before the colon. */
  readonly name: string;
  readonly password: Secret;
  readonly isAdmin: boolean;
}

export interface MadeUser {
  readonly userId: string;
  readonly outcome: "created" | "changed" | "unchanged";
}

/** @throws ImcloudError `cli.usage` for a name that the server refuses, `engine.step-failed` for other refusals */
export async function addUser(fleet: Fleet, { name, password, isAdmin }: NewUser): Promise<MadeUser> {
  const board = serverBoard(fleet.boards);
  return withBoard(board, fleet.connecting, async (transport) => {
    const words = ["imcloud-server", "user", "add", name, ...(isAdmin ? ["--admin"] : [])];
    const { stdout, stderr, exitCode } = await transport.exec(sh`${words} < ${payloadFile(password)}`, {
      deadlineMs: DEADLINE_MS,
    });
    const answer = /^\{.*\}$/m.exec(stdout)?.[0];
    if (exitCode === 0 && answer !== undefined) return JSON.parse(answer) as MadeUser;
    throw new ImcloudError(
      exitCode === 64 ? "cli.usage" : "engine.step-failed",
      `the account \`${name}\` was not made`,
      {
        found: stderr.trim().split("\n")[0] || `exit code ${exitCode}`,
        hint:
          exitCode === 127
            ? "deploy the server first: `imcloud apply`"
            : "see `imcloud health`, then run the command again",
      },
    );
  });
}

/** The first board that runs the server: several share one store. */
export function serverBoard(boards: readonly BoardConfig[]): BoardConfig {
  const board = boards.find(({ playbooks }) => playbooks.includes("imserver"));
  if (board !== undefined) return board;
  throw new ImcloudError("cli.usage", "none of these boards runs the IM server", {
    found: boards.map(({ name }) => name).join(", "),
    expected: "a board with the playbook `imserver`",
    hint: "select another board with `--on`",
  });
}
