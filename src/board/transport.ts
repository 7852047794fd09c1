/**
 * How the rest of imcloud talks to a board: verified payloads in, lines out.
 */
import type { Readable } from "node:stream";
import type { Script } from "./script.js";

export interface Transport {
  /** The board's name in `imcloud.yaml`. */
  readonly board: string;
  readonly counts: TransportCounts;
  /** The connection was opened by a password: one that asks for a key alone would refuse the next. */
  readonly isByPassword: boolean;

  /**
   * Runs a script as root on the board, with no standard input.
   *
   * The script arrives whole and verified or does not run at all.
   *
   * @throws ImcloudError `board.lost`, `board.payload-damaged`, `board.sudo-refused`
   */
  exec(script: Script, options: ExecOptions): Promise<ExecResult>;

  /**
   * Runs a script as root on the board, and hands on what it writes to standard output as the bytes that they are.
   *
   * @param take resolves when it has taken all; it may see a part of what was to come, so the exit code is what counts
   * @returns the result with an empty `stdout`
   * @throws ImcloudError as {@link exec}; whatever `take` throws
   */
  get(script: Script, take: Take, options: ExecOptions): Promise<ExecResult>;

  /**
   * Puts a large file on the board's disk, unless that very content is already there.
   *
   * @param path absolute; its folder is created with mode 0755
   * @param mode such as 0o644
   * @returns whether bytes had to be sent
   */
  put(source: Source, path: string, mode: number, options: ExecOptions): Promise<boolean>;

  /**
   * Runs shell commands as root with a file of the operator's as their standard input.
   *
   * Unlike a script's payload the file is read as it comes: the commands have to know by themselves whether it was whole.
   *
   * @throws ImcloudError as {@link exec}
   */
  pour(path: string, commands: string, options: ExecOptions): Promise<ExecResult>;

  close(): Promise<void>;
}

export type Take = (bytes: Readable) => Promise<void>;

/** What the law is about. */
export interface TransportCounts {
  readonly handshakes: number;
  readonly execs: number;
}

export interface ExecOptions {
  /** Called for each line, in order, without its line end. */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
  /** The longest silence and the longest whole run that make sense; then the channel is closed with `board.lost`. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** A file on the operator's side, known by its content. */
export interface Source {
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** The same content, gzipped: made once where a file goes to many boards. */
  readonly gzipPath?: string | undefined;
}
