/**
 * Reads what strace saw of renames: was the new content on the disk before, and the new name after?
 */

/** Of one path that a file was renamed to. */
export interface RenameVerdict {
  readonly renamed: boolean;
  /** The file was synced, and its sync had ended, before the rename. */
  readonly contentFirst: boolean;
  /** The folder was synced after the rename. */
  readonly nameAfter: boolean;
}

/**
 * @param trace lines of `strace -f -y`, in the order in which calls began or came to their end
 * @param path the last one that a file was renamed to counts
 */
export function judgeRename(trace: readonly string[], path: string): RenameVerdict {
  const paths = /\brename(?:at2?)?\(.*?"([^"]+)"[^"]*"([^"]+)"/;
  const at = trace.findLastIndex((line) => paths.exec(line)?.[2] === path);
  const from = paths.exec(trace[at] ?? "")?.[1];
  if (from === undefined) return { renamed: false, contentFirst: false, nameAfter: false };
  return {
    renamed: true,
    contentFirst: endedSyncs(trace.slice(0, at)).includes(from),
    nameAfter: endedSyncs(trace.slice(at)).includes(path.slice(0, path.lastIndexOf("/"))),
  };
}

/** What was synced; a call that another thread interrupts takes two lines, and only its end counts. */
function endedSyncs(lines: readonly string[]): string[] {
  const begun = new Map<string, string>();
  return lines.flatMap((line) => {
    const thread = /^\d+/.exec(line)?.[0] ?? "";
    const [, path, ending] = /\bf(?:data)?sync\(\d+<([^>]*)>(.*)/.exec(line) ?? [];
    if (path !== undefined && /\)\s+= 0/.test(ending ?? "")) return [path];
    if (path !== undefined && ending?.includes("<unfinished") === true) begun.set(thread, path);
    const resumed = /<\.\.\. f(?:data)?sync resumed>.*= 0/.test(line) ? begun.get(thread) : undefined;
    return resumed === undefined ? [] : [resumed];
  });
}
