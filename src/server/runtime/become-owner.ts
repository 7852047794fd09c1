/**
 * Root steps down before it touches the server's data: SQLite makes files beside the database, and the
 * server could not open those that belong to root.
 */
import { statSync } from "node:fs";
import { dirname } from "node:path";

/** Takes the user and group of the file's folder, for the rest of the process; does nothing for other users than root. */
export function becomeOwnerOf(path: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(dirname(path));
  if (uid === 0) return;
  process.setgroups?.([gid]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}
