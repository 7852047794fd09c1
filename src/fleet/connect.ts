/**
 * From a board of `imcloud.yaml` to something that runs scripts there.
 */
import type { HostKeyStore } from "../board/host-key-store.js";
import type { Link } from "../board/link.js";
import { connectLocal } from "../board/local-link.js";
import { openTransport } from "../board/open-transport.js";
import type { SshTarget } from "../board/ssh-target.js";
import type { Transport } from "../board/transport.js";
import type { BoardConfig } from "../config/load.js";
import { ImcloudError } from "../shared/errors.js";
import type { Logins } from "./logins.js";
import type { Workspace } from "./workspace.js";

export interface Connecting {
  readonly workspace: Workspace;
  readonly logins: Logins;
  /** `record`: trust a key that is seen for the first time. */
  readonly unknownHostKeys: HostKeyStore["unknown"];
  readonly signal?: AbortSignal;
}

/**
 * Runs a task with a board's transport and closes it afterwards.
 *
 * A password that turns out to be needed is asked for, and the task begins again: nothing has happened on the
 * board when sudo refuses.
 */
export async function withBoard<T>(
  board: BoardConfig,
  connecting: Connecting,
  task: (transport: Transport) => Promise<T>,
): Promise<T> {
  const link = await openLink(board, connecting);
  try {
    const { user } = link;
    const attempt = async (canAsk: boolean): Promise<T> => {
      const sudoPassword = await connecting.logins.sudoPassword(user, canAsk);
      if (canAsk && sudoPassword === undefined) throw new StillNoPassword();
      return task(
        openTransport(link, { board: board.name, ...(sudoPassword !== undefined && { sudoPassword }) }),
      );
    };
    try {
      return await attempt(false);
    } catch (error) {
      const isGiven = (await connecting.logins.sudoPassword(user, false)) !== undefined;
      if (isGiven || !isCode(error, "board.sudo-refused")) throw error;
      return await attempt(true).catch((second: unknown) => {
        throw second instanceof StillNoPassword ? error : second;
      });
    }
  } finally {
    await link.close();
  }
}

class StillNoPassword extends Error {}

/** The link alone, for what needs no root. */
export async function openLink(board: BoardConfig, connecting: Connecting): Promise<Link> {
  if (board.transport === "local") return connectLocal(board.name);
  // SSH and its ciphers take a moment to load, and a local board needs none of it.
  const { connectSsh } = await import("../board/ssh-link.js");
  const target = await sshTargetOf(board, connecting.workspace);
  const { logins, signal } = connecting;
  const connect = async (canAsk: boolean): Promise<Link> => {
    const password = await logins.sshPassword(target.user, canAsk);
    return connectSsh(target, {
      hostKeys: { file: connecting.workspace.knownHosts, unknown: connecting.unknownHostKeys },
      askPassphrase: (path) => logins.passphrase(path),
      ...(password !== undefined && { password }),
      ...(logins.key !== undefined && { key: logins.key }),
      ...(signal !== undefined && { signal }),
    });
  };
  try {
    return await connect(false);
  } catch (error) {
    if (!isCode(error, "board.login-refused") || (await logins.sshPassword(target.user, false)) !== undefined)
      throw error;
    if (!(error instanceof ImcloudError) || !/password|keyboard/.test(error.details.expected ?? ""))
      throw error;
    if ((await logins.sshPassword(target.user, true)) === undefined) throw error;
    return connect(true);
  }
}

/** Where a board is, by `imcloud.yaml`, then `~/.ssh/config`, then the defaults. */
export async function sshTargetOf(board: BoardConfig, workspace: Workspace): Promise<SshTarget> {
  const { readSurroundings, resolveTarget } = await import("../board/ssh-config.js");
  return resolveTarget(
    {
      board: board.name,
      address: board.address,
      ...(board.port !== undefined && { port: board.port }),
      ...(board.user !== undefined && { user: board.user }),
      ...(board.identityFile !== undefined && { identityFile: board.identityFile }),
      ...(board.jump !== undefined && { jump: board.jump }),
      fallbackUser: board.fallbackUser,
      pinnedHostKeys: board.hostKeys,
      origin: board.origin,
    },
    readSurroundings([workspace.identity]),
  );
}

const isCode = (error: unknown, code: ImcloudError["code"]): boolean =>
  error instanceof ImcloudError && error.code === code;
