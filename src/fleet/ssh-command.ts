/** The words for the system's own ssh, with all that imcloud knows of a board. */
import { mkdir, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { fingerprintOf, hostKeyChanged } from "../board/host-key.js";
import { parseKnownHosts, recordedKeys } from "../board/known-hosts.js";
import type { SshTarget } from "../board/ssh-target.js";
import type { BoardConfig } from "../config/load.js";
import { sshTargetOf } from "./connect.js";
import type { Fleet } from "./fleet.js";
import { presentedKeys, trustKey } from "./trust.js";
import { readOptional } from "../files/operator-files.js";

/**
 * @param words a command for the board; none: a login shell. A board that is this machine gets a shell here.
 * @throws ImcloudError `board.host-key-changed`, `board.unreachable` for a board whose key is pinned and not yet recorded
 */
export async function sshCommand(
  board: BoardConfig,
  fleet: Fleet,
  words: readonly string[],
): Promise<readonly string[]> {
  if (board.transport === "local")
    return words.length > 0 ? ["sh", "-c", words.join(" ")] : [process.env.SHELL ?? "sh"];
  const { workspace } = fleet;
  const target = await sshTargetOf(board, workspace);
  // ssh must be able to write down what it learns, beside what imcloud has recorded.
  await mkdir(dirname(workspace.knownHosts), { recursive: true, mode: 0o700 });
  if (!existsSync(workspace.knownHosts)) await writeFile(workspace.knownHosts, "", { mode: 0o600 });
  if (target.pinnedHostKeys.length > 0) await recordPinned(board, target, fleet);
  return [
    "ssh",
    "-p",
    String(target.port),
    ...target.identityFiles.filter((path) => existsSync(path)).flatMap((path) => ["-i", path]),
    ...(target.identitiesOnly ? ["-o", "IdentitiesOnly=yes"] : []),
    // By the address ssh would not find what its configuration says under the board's name.
    ...(target.proxyJump === undefined ? [] : ["-J", target.proxyJump]),
    "-o",
    `UserKnownHostsFile=${[workspace.knownHosts, ...target.knownHostsFiles].map((path) => `"${path}"`).join(" ")}`,
    `${target.user}@${target.address}`,
    ...words,
  ];
}

/** ssh takes keys and no fingerprints: the key that has the pinned one must stand in the file. */
async function recordPinned(board: BoardConfig, target: SshTarget, fleet: Fleet): Promise<void> {
  const own = parseKnownHosts((await readOptional(fleet.workspace.knownHosts)) ?? "");
  const recorded = recordedKeys(target.address, target.port, { pinned: [], own, user: [] });
  if (recorded.some((key) => target.pinnedHostKeys.includes(fingerprintOf(key)))) return;
  const [outcome] = await presentedKeys({ ...fleet, boards: [board] });
  if (outcome === undefined) return;
  if (!outcome.ok) throw outcome.error;
  const { fingerprint } = outcome.value;
  if (!target.pinnedHostKeys.includes(fingerprint))
    throw hostKeyChanged(target, fingerprint, target.pinnedHostKeys.join(", "));
  await trustKey(fleet, outcome.value);
}
