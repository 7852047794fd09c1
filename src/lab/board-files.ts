/**
 * What makes a clone of the base this very board: the files that differ, written into the board's own layer of the
 * overlay before its first boot.
 */
import { chmod, chown, lstat, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ACCOUNTS } from "./accounts.js";
import { renderCpuinfo, renderMeminfo } from "./hardware.js";

export interface BoardFile {
  /** Absolute, as seen on the board. */
  readonly path: string;
  readonly content: string;
  /** 0o644 unless given. */
  readonly mode?: number;
  /** Owner and group; root unless given. */
  readonly uid?: number;
}

export interface BoardIdentity {
  readonly hostname: string;
  /** 32 hexadecimal digits, see machine-id(5). */
  readonly machineId: string;
  readonly authorizedKey: string;
  readonly aptProxyUrl: string;
  readonly aptOptions: readonly string[];
  readonly model: string;
  readonly memoryMb: number;
  /** Replaces /etc/os-release. */
  readonly osRelease?: string;
  /** The secret halves of the SSH host keys, with the public ones, by their file's name in /etc/ssh. */
  readonly hostKeys: Readonly<Record<string, string>>;
}

export function boardFiles(board: BoardIdentity): readonly BoardFile[] {
  const hardware = "/usr/lib/imcloud-lab/hardware";
  return [
    { path: "/etc/hostname", content: `${board.hostname}\n` },
    { path: "/etc/hosts", content: `127.0.0.1\tlocalhost\n127.0.1.1\t${board.hostname}\n` },
    { path: "/etc/machine-id", content: `${board.machineId}\n`, mode: 0o444 },
    { path: "/etc/apt/apt.conf.d/90lab-cache", content: renderAptOptions(board) },
    ...(board.osRelease === undefined ? [] : [{ path: "/etc/os-release", content: board.osRelease }]),
    ...Object.values(ACCOUNTS)
      .filter(({ keyAuthorized }) => keyAuthorized)
      .map(({ name, uid }) => ({
        path: `/home/${name}/.ssh/authorized_keys`,
        content: `${board.authorizedKey}\n`,
        mode: 0o600,
        uid,
      })),
    ...Object.entries(board.hostKeys).map(([name, content]) => ({
      path: `/etc/ssh/${name}`,
      content,
      mode: name.endsWith(".pub") ? 0o644 : 0o600,
    })),
    // The kernel ends the model with a NUL byte.
    { path: `${hardware}/model`, content: `${board.model}\0` },
    { path: `${hardware}/cpuinfo`, content: renderCpuinfo(board.model) },
    { path: `${hardware}/meminfo`, content: renderMeminfo(board.memoryMb) },
  ];
}

/**
 * Writes files into an upper layer.
 *
 * A folder that is in both layers takes its owner and mode from the upper one, so each is copied from the base.
 *
 * @param base the lower layer's root
 * @param upper the upper layer's root, absolute
 */
export async function writeBoardFiles(
  base: string,
  upper: string,
  files: readonly BoardFile[],
): Promise<void> {
  for (const { path, content, mode = 0o644, uid = 0 } of files) {
    await copyFolder(base, upper, dirname(path));
    const target = join(upper, path);
    await rm(target, { force: true });
    await writeFile(target, content, { mode });
    await chmod(target, mode);
    await chown(target, uid, uid);
  }
}

async function copyFolder(base: string, upper: string, folder: string): Promise<void> {
  if (folder !== "/") await copyFolder(base, upper, dirname(folder));
  const target = join(upper, folder);
  const present = await lstat(target).catch(() => undefined);
  if (present !== undefined) return;
  await mkdir(target);
  const below = await lstat(join(base, folder)).catch(() => ({ mode: 0o755, uid: 0, gid: 0 }));
  await chmod(target, below.mode & 0o7777);
  await chown(target, below.uid, below.gid);
}

function renderAptOptions(board: BoardIdentity): string {
  return [
    `Acquire::http::Proxy "${board.aptProxyUrl}";`,
    `Acquire::https::Proxy "${board.aptProxyUrl}";`,
    ...board.aptOptions,
    "",
  ].join("\n");
}
