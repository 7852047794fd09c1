/**
 * A name for a drive by which somebody who is not root may open it, for as long as settings are made on it.
 *
 * A node of its own, and not other rights for the one that udev made: that one others open too.
 */
import { randomUUID } from "node:crypto";
import { rm, stat } from "node:fs/promises";
import { execa } from "execa";

/** @param owner undefined: whoever makes the settings may open it as it is */
export async function lentNode(
  path: string,
  owner: { readonly uid: number; readonly gid: number } | undefined,
): Promise<{ readonly path: string } & AsyncDisposable> {
  if (owner === undefined) return { path, [Symbol.asyncDispose]: () => Promise.resolve() };
  const info = await stat(path);
  if (!info.isBlockDevice()) return { path, [Symbol.asyncDispose]: () => Promise.resolve() };
  const { stdout } = await execa("stat", ["--format=%t %T", path]);
  const [major = "", minor = ""] = stdout.split(" ").map((hex) => String(Number.parseInt(hex, 16)));
  const node = `/dev/imcloud-${randomUUID()}`;
  await execa("mknod", ["--mode=0600", node, "b", major, minor]);
  await execa("chown", [`${owner.uid}:${owner.gid}`, node]);
  return { path: node, [Symbol.asyncDispose]: () => rm(node, { force: true }) };
}
