/**
 * Reads what strace saw of the server: did the disk have the event before the client had the answer?
 */

export interface Verdict {
  /** An answer with the event's id was sent. */
  readonly answered: boolean;
  /** Between the log's last write before the answer and the answer itself, a sync of the log came to its end. */
  readonly durable: boolean;
}

/**
 * @param trace lines of `strace -f -y`, in the order in which calls began or came to their end
 * @param eventId the event whose answer is looked for
 */
export function judgeTrace(trace: readonly string[], eventId: string): Verdict {
  const answer = trace.findIndex(
    (line) =>
      /\b(?:write|writev|send|sendto|sendmsg)\(/.test(line) &&
      line.includes("HTTP/1.1 200") &&
      line.includes(eventId),
  );
  if (answer < 0) return { answered: false, durable: false };
  const before = trace.slice(0, answer);
  const lastWrite = before.findLastIndex((line) => /\bpwrite(?:64|v)\(\d+<[^>]*-wal>/.test(line));
  return { answered: true, durable: lastWrite >= 0 && hasEndedSync(before.slice(lastWrite + 1)) };
}

/** A sync that another thread interrupts takes two lines; only its end counts. */
function hasEndedSync(lines: readonly string[]): boolean {
  const begun = new Set<string>();
  for (const line of lines) {
    const thread = /^\[?(?:pid\s+)?(\d+)\]?/.exec(line)?.[1] ?? "";
    if (/\bf(?:data)?sync\(\d+<[^>]*-wal>\)\s+= 0/.test(line)) return true;
    if (/\bf(?:data)?sync\(\d+<[^>]*-wal>.*<unfinished/.test(line)) begun.add(thread);
    if (/<\.\.\. f(?:data)?sync resumed>.*= 0/.test(line) && begun.has(thread)) return true;
  }
  return false;
}
