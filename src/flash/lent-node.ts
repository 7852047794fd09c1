/**
 * A name for a drive by which somebody who is not root may open it, for as long as settings are made on it.
 *
 * On Linux a node of its own, and not other rights for the one that udev made: that one others open too. On macOS, which
 * has no other way, the block device gets another owner for as long; it is also the one that mtools can write to, and its
 * cache is written out when they close it.
 */
import { randomUUID } from "node:crypto";
import { chown, rm, stat } from "node:fs/promises";
import { execa } from "execa";
import { blockNode } from "./mac-nodes.js";

type LentNode = { readonly path: string } & AsyncDisposable;
type Owner = { readonly uid: number; readonly gid: number };

/** @param owner undefined: whoever makes the settings may open it as it is */
export async function lentNode(path: string, owner: Owner | undefined): Promise<LentNode> {
  if (process.platform === "darwin") return lentOnMac(blockNode(path), owner);
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

async function lentOnMac(path: string, owner: Owner | undefined): Promise<LentNode> {
  const before = await stat(path);
  if (owner === undefined || before.isFile()) return { path, [Symbol.asyncDispose]: () => Promise.resolve() };
  await chown(path, owner.uid, owner.gid);
  return { path, [Symbol.asyncDispose]: () => chown(path, before.uid, before.gid) };
}
