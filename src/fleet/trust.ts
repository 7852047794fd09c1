/** Host keys that boards present, and making one of them the recorded one. */
import { fingerprintOf, type HostKey } from "../board/host-key.js";
import { loadTrust, recordHostKeys } from "../board/host-key-store.js";
import type { SshTarget } from "../board/ssh-target.js";
import { sshTargetOf } from "./connect.js";
import { eachBoard, type BoardOutcome } from "./each-board.js";
import type { Fleet } from "./fleet.js";

export interface PresentedKey {
  readonly target: SshTarget;
  readonly key: HostKey;
  readonly fingerprint: string;
}

/** Asks each board for its key; nobody logs in. */
export async function presentedKeys({
  boards,
  parallel,
  connecting,
}: Fleet): Promise<readonly BoardOutcome<PresentedKey>[]> {
  const { readHostKey } = await import("../board/ssh-link.js");
  const remote = boards.filter(({ transport }) => transport === "ssh");
  return eachBoard(remote, parallel, async (board): Promise<PresentedKey> => {
    const target = await sshTargetOf(board, connecting.workspace);
    const key = await readHostKey(target, {
      hostKeys: { file: connecting.workspace.knownHosts, unknown: connecting.unknownHostKeys },
      askPassphrase: (path) => connecting.logins.passphrase(path),
    });
    return { target, key, fingerprint: fingerprintOf(key) };
  });
}

/** Whether this very key is known for the board, so that nobody need be asked. */
export async function recordedAlready({ workspace }: Fleet, { target, key }: PresentedKey): Promise<boolean> {
  const trust = await loadTrust(
    { file: workspace.knownHosts, unknown: "refuse" },
    target,
    target.pinnedHostKeys,
  );
  return (await trust.judge(key)).kind === "trusted";
}

export async function trustKey({ workspace }: Fleet, { target, key }: PresentedKey): Promise<void> {
  await recordHostKeys(workspace.knownHosts, target, [key]);
}
