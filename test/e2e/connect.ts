/**
 * A transport to a virtual board, for tests of what lies below the command line.
 */
import { connectSsh } from "../../src/board/ssh-link.js";
import { openTransport } from "../../src/board/open-transport.js";
import type { Transport } from "../../src/board/transport.js";
import type { VirtualBoard } from "../../src/lab/virtual-board.js";
import type { Secret } from "../../src/shared/secret.js";

/** Connects as the board's own account, with its own host key pinned. */
export async function connect(board: VirtualBoard, sudoPassword?: Secret): Promise<Transport> {
  const link = await connectSsh(
    {
      board: board.name,
      address: board.address,
      port: board.port,
      user: board.user,
      identityFiles: [board.sshKeyPath],
      identitiesOnly: true,
      agent: "",
      knownHostsFiles: [],
      jumps: [],
      pinnedHostKeys: [board.fingerprint],
    },
    { hostKeys: { file: "/nonexistent", unknown: "refuse" } },
  );
  return openTransport(link, { board: board.name, ...(sudoPassword && { sudoPassword }) });
}
