/**
 * A large file from the web, whole and verified or not at all.
 *
 * A download that breaks off goes on where it stopped: within a command, and in the next one. What a killed command
 * left is taken over by whoever renames it first, so two commands never write into one file.
 *
 * Source: RFC 9110, "Range Requests".
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Dispatcher, Response } from "undici";

/** Broken connections that are carried on from in one command. */
const TRIES = 4;

/** A hundred files of a library, which most commands have no use for. */
const web = () => import("./web-client.js");

/** What came was not what was asked for. Both sums in hexadecimal digits. */
export class WrongChecksum extends Error {
  override readonly name = "WrongChecksum";
  readonly found: string;

  constructor(url: string, algorithm: string, found: string) {
    super(`what ${url} gave has ${algorithm} ${found}`);
    this.found = found;
  }
}

/** The server answered, and not with the file. */
export class NotServed extends Error {
  override readonly name = "NotServed";
  readonly status: number;

  constructor(url: string, { status, statusText }: Pick<Response, "status" | "statusText">) {
    super(`${url} answers ${status} ${statusText}`.trimEnd());
    this.status = status;
  }
}

/** What the file must be, in hexadecimal digits, lower case. */
export interface Checksum {
  readonly algorithm: "sha256" | "sha512";
  readonly digits: string;
}

export interface DownloadOptions {
  /** None: whatever comes is taken. */
  readonly checksum?: Checksum;
  /** Called as it grows, with where it is until it is whole and how many bytes are there. */
  readonly onGrown?: (part: string, bytes: number) => void;
  readonly signal?: AbortSignal;
}

/** @throws WrongChecksum, NotServed, or the error of the connection or the disk */
export async function download(
  url: string,
  target: string,
  { checksum, onGrown = () => undefined, signal }: DownloadOptions,
): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const part = `${target}.${process.pid}.part`;
  await takeOver(target, part);
  const { proxied } = await web();
  await using client = proxied(url);
  for (let attempt = 1, had = 0; ; attempt += 1) {
    try {
      await carryOn(url, part, client.agent, { onGrown, ...(signal !== undefined && { signal }) });
      break;
    } catch (error) {
      const have = await sizeOf(part);
      // What comes in pieces comes.
      if (have > had) attempt = 1;
      had = have;
      const isFinal = error instanceof NotServed || isDiskFull(error) || signal?.aborted === true;
      if (isFinal || attempt === TRIES) throw error;
    }
  }
  onGrown(part, await sizeOf(part));
  if (checksum !== undefined) {
    const hash = createHash(checksum.algorithm);
    await pipeline(createReadStream(part), hash);
    const found = hash.digest("hex");
    if (found !== checksum.digits) {
      await rm(part, { force: true });
      throw new WrongChecksum(url, checksum.algorithm, found);
    }
  }
  await rename(part, target);
}

/** The disk's fault, and not the network's. */
export const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");

/** @throws NotServed, or the error of the connection */
export async function downloadText(url: string): Promise<string> {
  const { fetch, proxied } = await web();
  await using client = proxied(url);
  const response = await fetch(url, { dispatcher: client.agent });
  if (!response.ok) throw new NotServed(url, response);
  return await response.text();
}

/** From the end of what is there. */
async function carryOn(
  url: string,
  part: string,
  dispatcher: Dispatcher,
  { onGrown, signal }: Required<Pick<DownloadOptions, "onGrown">> & Pick<DownloadOptions, "signal">,
): Promise<void> {
  const have = await sizeOf(part);
  // As it is: some servers take an archive for a page that was packed on the way.
  const { fetch } = await web();
  const headers = { "accept-encoding": "identity", ...(have > 0 && { range: `bytes=${have}-` }) };
  const response = await fetch(url, { dispatcher, headers, ...(signal !== undefined && { signal }) });
  // All of it is there already, or more than the server has now: its checksum tells.
  if (response.status === 416) return;
  if (!response.ok || response.body === null) throw new NotServed(url, response);
  const continues =
    response.status === 206 && response.headers.get("content-range")?.startsWith(`bytes ${have}-`) === true;
  const file = createWriteStream(part, { flags: continues ? "a" : "w", flush: true });
  const before = continues ? have : 0;
  const body = Readable.fromWeb(response.body).on("data", () => onGrown(part, before + file.bytesWritten));
  await pipeline(body, file);
}

/** A part of a process that is no more; one of this process's number is an earlier process's too. */
async function takeOver(target: string, part: string): Promise<void> {
  const prefix = `${basename(target)}.`;
  const names = (await readdir(dirname(target))).filter((name) => name.startsWith(prefix));
  for (const name of names) {
    const pid = Number(/^(\d+)\.part$/.exec(name.slice(prefix.length))?.[1]);
    if (!(pid > 0) || pid === process.pid || isAlive(pid)) continue;
    const taken = await rename(join(dirname(target), name), part).then(
      () => true,
      () => false,
    );
    if (taken) return;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return 0;
    throw error;
  }
}
