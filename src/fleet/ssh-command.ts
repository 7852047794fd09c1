/** The words for the system's own ssh, with all that imcloud knows of a board. */
import { mkdir, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { BoardConfig } from "../config/load.js";
import { sshTargetOf } from "./connect.js";
import type { Workspace } from "./workspace.js";

/** @param words a command for the board; none: a login shell. A board that is this machine gets a shell here. */
export async function sshCommand(
  board: BoardConfig,
  workspace: Workspace,
  words: readonly string[],
): Promise<readonly string[]> {
  if (board.transport === "local")
    return words.length > 0 ? ["sh", "-c", words.join(" ")] : [process.env.SHELL ?? "sh"];
  const target = await sshTargetOf(board, workspace);
  // ssh must be able to write down what it learns, beside what imcloud has recorded.
  await mkdir(dirname(workspace.knownHosts), { recursive: true, mode: 0o700 });
  if (!existsSync(workspace.knownHosts)) await writeFile(workspace.knownHosts, "", { mode: 0o600 });
  return [
    "ssh",
    "-p",
    String(target.port),
    ...target.identityFiles.filter((path) => existsSync(path)).flatMap((path) => ["-i", path]),
    ...(target.identitiesOnly ? ["-o", "IdentitiesOnly=yes"] : []),
    ...(board.jump === undefined ? [] : ["-J", board.jump]),
    "-o",
    `UserKnownHostsFile=${[workspace.knownHosts, ...target.knownHostsFiles].map((path) => `"${path}"`).join(" ")}`,
    `${target.user}@${target.address}`,
    ...words,
  ];
}
