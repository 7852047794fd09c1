/**
 * The lowest thing imcloud knows of a board: a way to start a command there.
 *
 * `ssh` and `local` implement it; privilege, payloads and verification are built on top, once, in
 * `transport.ts`.
 */
import type { Readable, Writable } from "node:stream";

export interface Link {
  /** The name of the login; `root` needs no sudo. */
  readonly user: string;
  /** How many connections were set up so far: the law counts them. */
  readonly handshakes: number;
  /** A password opened it; the next one could be opened by a key. */
  readonly isByPassword: boolean;

  /**
   * Starts one command under the login shell.
   *
   * @param command at most 128 KiB
   * @throws ImcloudError `board.lost` when the connection is gone
   */
  open(command: string): Promise<Channel>;

  /** Ends the connection. Safe to call twice. */
  close(): Promise<void>;
}

export interface Channel {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** How the command ended. Rejects with ImcloudError `board.lost` if the connection ended first. */
  readonly exit: Promise<ChannelExit>;
  /** Closes the channel from this side; the command sees end of input and a closed output. */
  close(): void;
}

export interface ChannelExit {
  /** Null when a signal ended the command. */
  readonly code: number | null;
  readonly signal: string | null;
}
