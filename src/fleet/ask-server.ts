/**
 * Asks the cloud's IM server to do something, on a board that runs it, as its operator: no account and no password is
 * needed, and no port beside SSH. docs/admin-api.md
 */
import { payloadFile, sh } from "../board/script.js";
import { ImcloudError } from "../shared/errors.js";
import { Secret } from "../shared/secret.js";
import { withBoard } from "./connect.js";
import type { Fleet } from "./fleet.js";
import { serverBoard } from "./server-board.js";

/** As long as the server's own command waits: a large room takes minutes to empty. */
const DEADLINE_MS = 16 * 60_000;

export interface ServerRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Below the administration API's own, with its query. */
  readonly path: string;
  /** A secret travels beside the script, like every body. */
  readonly body?: object | Secret;
}

/**
 * @returns the server's answer, as JSON
 * @throws ImcloudError `server.refused` with what the server says; `server.unreachable` when it does not run
 */
export async function askServer(
  fleet: Fleet,
  { method, path, body }: ServerRequest,
): Promise<Record<string, unknown>> {
  const board = serverBoard(fleet.boards);
  return withBoard(board, fleet.connecting, async (transport) => {
    const words = ["imcloud-server", "admin", method, path];
    const content = body instanceof Secret ? body : JSON.stringify(body ?? {});
    const { stdout, stderr, exitCode } = await transport.exec(sh`${words} < ${payloadFile(content)}`, {
      deadlineMs: DEADLINE_MS,
    });
    const answer = /^\{.*\}$/m.exec(stdout)?.[0];
    if (exitCode === 0 && answer !== undefined) return JSON.parse(answer) as Record<string, unknown>;
    throw failureOf(exitCode, stderr);
  });
}

function failureOf(exitCode: number | null, stderr: string): ImcloudError {
  const said = stderr.trim().split("\n")[0] ?? "";
  const refusal = /^(M_[A-Z_]+): (.*)$/.exec(said);
  if (refusal !== null)
    return new ImcloudError("server.refused", "the IM server refused", {
      found: refusal[2] ?? "",
      expected: "what docs/admin-api.md says",
      hint: "see `--help` of the command",
    });
  return new ImcloudError("server.unreachable", "the IM server could not be asked", {
    found: said === "" ? `exit code ${exitCode ?? "unknown"}` : said,
    hint:
      exitCode === 127 || exitCode === 64
        ? "bring the server there, or up to date: `imcloud apply`"
        : "see `imcloud health`, then run the command again",
  });
}
