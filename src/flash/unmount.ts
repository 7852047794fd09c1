/** Takes a drive's file systems away from whoever sees them; what is open on one keeps it. */
import { execa } from "execa";
import { targetBusy } from "./errors.js";
import { blockNode } from "./mac-nodes.js";
import type { TargetRequest } from "./target.js";

/** @throws ImcloudError `flash.target-busy` */
export async function unmount(request: TargetRequest): Promise<void> {
  for (const [program, ...parameters] of unmounting(request, process.platform)) {
    await execa(program, parameters).catch((cause: unknown) => {
      throw targetBusy(request.name, cause);
    });
  }
}

type Command = readonly [program: string, ...parameters: string[]];

/**
 * Pure. A Mac's Disk Arbitration would mount anew what umount(8) took away: there the whole disk is told to it, volumes of
 * its APFS containers included.
 *
 * Source: diskutil(8), `unmountDisk`.
 */
export function unmounting(
  { path, mounts = [] }: Pick<TargetRequest, "path" | "mounts">,
  system: NodeJS.Platform,
): readonly Command[] {
  if (system !== "darwin") return mounts.map((folder): Command => ["umount", folder]);
  return mounts.length === 0 ? [] : [["diskutil", "unmountDisk", blockNode(path)]];
}
