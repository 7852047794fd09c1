/**
 * The byte stream that an SSH login runs over: a TCP connection, or one that a jump host opens.
 */
import { connect, type Socket } from "node:net";
import type { Readable } from "node:stream";
import type { Client } from "ssh2";
import { lost, unreachable, wordsOf } from "./ssh-errors.js";
import type { SshHost, SshTarget } from "./ssh-target.js";

export interface ReachOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * @param road the login on the jump host to go through
 * @throws ImcloudError `board.unreachable`
 */
export async function reach(
  target: SshTarget,
  host: SshHost,
  road: Client | undefined,
  options: ReachOptions,
): Promise<Readable> {
  return road === undefined ? dial(target, host, options) : forward(target, host, road, options);
}

async function dial(target: SshTarget, host: SshHost, { timeoutMs, signal }: ReachOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: host.address, port: host.port, noDelay: true });
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      socket.removeAllListeners("error");
      act();
    };
    const giveUp = (why: Error): void =>
      settle(() => {
        // An error that nobody hears would end the process.
        socket.on("error", () => undefined).destroy();
        reject(why);
      });
    const fail = (found: string, cause?: unknown): void => giveUp(unreachable(target, host, found, cause));
    const stop = (): void => giveUp(lost(target, "stopped by the operator"));
    const timer = setTimeout(() => fail(`no answer in ${timeoutMs / 1000} s`), timeoutMs);
    signal?.addEventListener("abort", stop, { once: true });
    socket.once("error", (error) => fail(wordsOf(error), error));
    socket.once("connect", () => settle(() => resolve(socket)));
  });
}

async function forward(
  target: SshTarget,
  host: SshHost,
  road: Client,
  { timeoutMs }: ReachOptions,
): Promise<Readable> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(unreachable(target, host, `no answer through the jump host in ${timeoutMs / 1000} s`));
    }, timeoutMs);
    road.forwardOut("127.0.0.1", 0, host.address, host.port, (error, stream) => {
      clearTimeout(timer);
      if (error !== undefined)
        reject(unreachable(target, host, `the jump host could not connect: ${error.message}`, error));
      else resolve(stream);
    });
  });
}
