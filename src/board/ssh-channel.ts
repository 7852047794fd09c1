/**
 * A command on a board as a {@link Channel}, on top of ssh2's.
 *
 * ssh2 leaves three things open that a run must not hang on: a write that waits for window space when the
 * channel closes is never answered, a channel that is closed here may never be closed over there, and a lost
 * connection looks like an ordinary end of output.
 */
import { PassThrough, Writable } from "node:stream";
import type { ClientChannel } from "ssh2";
import type { ImcloudError } from "../shared/errors.js";
import type { Channel, ChannelExit } from "./link.js";

export interface TrackedChannel {
  readonly channel: Channel;
  /** The connection is gone: whoever waits for the exit learns why. */
  lose(why: ImcloudError): void;
}

export function trackChannel(
  stream: ClientChannel,
  closed: () => void,
  lostWhy: () => ImcloudError,
): TrackedChannel {
  let resolve!: (how: ChannelExit) => void;
  let reject!: (why: Error) => void;
  const exit = new Promise<ChannelExit>((...settle) => ([resolve, reject] = settle));
  // A caller may have stopped listening (its deadline passed); a rejection nobody waits for must not end the process.
  exit.catch(() => undefined);
  let ended: ChannelExit | undefined;

  const stdout = stream.pipe(new PassThrough());
  const stderr = stream.stderr.pipe(new PassThrough());
  const stdin = new Writable({
    write: (chunk: Buffer, _encoding, done) => void stream.write(chunk, done),
    final: (done) => {
      stream.end();
      done();
    },
  });
  // `destroy` without an error: whoever pipes into it gets a premature close, nobody gets an unheard error.
  const finish = (): void => {
    stdin.destroy();
    closed();
  };

  const detach = (): void => {
    for (const [from, to] of [[stream, stdout] as const, [stream.stderr, stderr] as const]) {
      from.unpipe(to);
      from.resume();
      to.end();
    }
  };

  stream.on("error", (error: Error) => reject(error));
  stream.stderr.on("error", (error: Error) => reject(error));
  stream.on("exit", (code: number | null, signal?: string) => {
    ended = { code, signal: signal ?? null };
  });
  stream.on("close", () => {
    if (ended !== undefined) resolve(ended);
    else reject(lostWhy());
    finish();
  });

  return {
    channel: {
      stdin,
      stdout,
      stderr,
      exit,
      close() {
        stream.close();
        // OpenSSH answers only when the command has ended, which may be never.
        resolve({ code: null, signal: null });
        detach();
        finish();
      },
    },
    lose(why) {
      reject(why);
      detach();
      finish();
    },
  };
}
