/**
 * The transport over any link: becomes root, delivers payloads whole, turns output into lines.
 */
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { createGzip } from "node:zlib";
import { ImcloudError } from "../shared/errors.js";
import type { Secret } from "../shared/secret.js";
import { BOOTSTRAP_FAILURES, READY, SUDO_PROMPT, bootstrapCommand, packPayload } from "./bootstrap.js";
import type { Channel, Link } from "./link.js";
import { quote, sh, type Script } from "./script.js";
import type { ExecOptions, ExecResult, Source, Transport } from "./transport.js";

export interface TransportOptions {
  readonly board: string;
  /** Tried only after sudo has refused to work without one. */
  readonly sudoPassword?: Secret;
}

type Login = Parameters<typeof bootstrapCommand>[0];

/** Makes a transport of a link; the transport owns it and closes it. */
export function openTransport(link: Link, { board, sudoPassword }: TransportOptions): Transport {
  let execs = 0;
  let login: Login = link.user === "root" ? "root" : "sudo";

  async function run(
    command: (login: Login) => string,
    feed: Feed,
    options: ExecOptions,
  ): Promise<ExecResult> {
    for (;;) {
      execs += 1;
      const attempt = await runOnce(await link.open(command(login)), feed, options, board, sudoPassword);
      if (attempt.ready) return attempt.result;
      if (login === "sudo" && sudoPassword !== undefined) {
        login = "sudo-password";
        continue;
      }
      throw notRoot(board, link.user, login, attempt.result);
    }
  }

  return {
    board,
    isByPassword: link.isByPassword,
    get counts() {
      return { handshakes: link.handshakes, execs };
    },

    async exec(script, options) {
      const { header, body } = await packPayload(script);
      const result = await run(bootstrapCommand, (stdin) => pipeline([header, body], stdin), options);
      return refuseDamage(board, result);
    },

    async put(source, path, mode, options) {
      const there = await this.exec(lookFor(source, path, mode), options);
      if (there.exitCode === 0) return false;
      const receive = `sh -c ${quote(receiveText(source, path, mode))}`;
      const commandFor = (as: Login) =>
        as === "root"
          ? receive
          : as === "sudo"
            ? `sudo -n -- ${receive}`
            : `sudo -S -p ${SUDO_PROMPT} -- ${receive}`;
      const send: Feed = (stdin) =>
        source.gzipPath === undefined
          ? pipeline(createReadStream(source.path), createGzip({ level: 1 }), stdin)
          : pipeline(createReadStream(source.gzipPath), stdin);
      const result = await run(commandFor, send, options);
      if (result.exitCode !== 0) throw notReceived(board, path, result);
      return true;
    },

    close: () => link.close(),
  };
}

type Feed = (stdin: Writable) => Promise<void>;

/**
 * One channel from open to exit. `ready` says whether root's shell ever answered.
 *
 * Standard input is fed only after READY when a password may be asked for: with a cached ticket sudo asks
 * nothing, and a password sent ahead would be the first bytes of the payload.
 */
async function runOnce(
  channel: Channel,
  feed: Feed,
  options: ExecOptions,
  board: string,
  sudoPassword: Secret | undefined,
): Promise<{ ready: boolean; result: ExecResult }> {
  const out: string[] = [];
  const err: string[] = [];
  let ready = false;
  let asked = 0;
  let feeding: Promise<void> = Promise.resolve();
  // The other side may end without reading: its exit says why, the broken pipe does not.
  channel.stdin.on("error", () => undefined);

  const ended = readLines(channel.stdout, (line) => {
    if (!ready && line === READY) {
      ready = true;
      feeding = feed(channel.stdin).catch(() => undefined);
      return;
    }
    out.push(line);
    options.onLine?.(line, "stdout");
  });
  watchPrompt(channel.stderr, () => {
    // Behind READY it is not sudo that speaks.
    if (ready) return;
    asked += 1;
    if (asked === 1 && sudoPassword !== undefined) channel.stdin.write(`${sudoPassword.reveal()}\n`);
    else channel.close();
  });
  const errEnded = readLines(channel.stderr, (raw) => {
    const line = raw.replaceAll(SUDO_PROMPT, "");
    if (line === "" && raw !== "") return;
    err.push(line);
    options.onLine?.(line, "stderr");
  });

  const exit = await withDeadline(channel, options, board);
  await Promise.all([ended, errEnded, feeding]);
  return {
    ready,
    result: { stdout: joined(out), stderr: joined(err), exitCode: exit.code ?? 128 },
  };
}

async function readLines(stream: Readable, take: (line: string) => void): Promise<void> {
  const reader = createInterface({ input: stream, crlfDelay: Infinity });
  // A stream that is closed from this side has no end that the reader would see.
  stream.once("close", () => reader.close());
  for await (const line of reader) take(line);
}

/** sudo's prompt ends without a line end, so it has to be looked for in the raw bytes. */
function watchPrompt(stream: Readable, prompted: () => void): void {
  let tail = "";
  stream.on("data", (chunk: Buffer) => {
    const seen = tail + chunk.toString("latin1");
    if (seen.includes(SUDO_PROMPT)) {
      tail = "";
      prompted();
    } else tail = seen.slice(-SUDO_PROMPT.length);
  });
}

async function withDeadline(channel: Channel, { deadlineMs, signal }: ExecOptions, board: string) {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      // In this order: closing settles the exit at once, and the first to settle is what counts.
      reject(deadlinePassed(board, deadlineMs));
      channel.close();
    }, deadlineMs);
  });
  const aborted = (): void => channel.close();
  signal?.addEventListener("abort", aborted, { once: true });
  try {
    return await Promise.race([channel.exit, late]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", aborted);
  }
}

const joined = (all: readonly string[]): string => (all.length === 0 ? "" : `${all.join("\n")}\n`);

/** What is found is touched: it is in use again, and no run sweeps it away before its own begins. */
function lookFor({ sha256 }: Source, path: string, mode: number): Script {
  return sh`[ "$(sha256sum < ${path} 2>/dev/null)" = ${`${sha256}  -`} ] && chmod ${mode.toString(8)} ${path} && touch ${path}`;
}

/**
 * Received beside its final name, verified, made durable, and only then given that name.
 *
 * Unpacking, writing and hashing go on side by side: a board has four cores. A full disk shortens the file and not
 * the hash, so both are looked at.
 */
function receiveText({ sha256, sizeBytes }: Source, path: string, mode: number): string {
  const folder = path.slice(0, path.lastIndexOf("/")) || "/";
  const part = `${path}.part`;
  return [
    "umask 022",
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C",
    "export PATH LC_ALL",
    `mkdir -p ${quote(folder)} || exit 93`,
    `trap 'rm -f ${part.replaceAll("'", `'\\''`)}' EXIT`,
    "trap 'exit 95' HUP INT TERM PIPE",
    `echo ${READY}`,
    `sum=$(gzip -dc | tee ${quote(part)} | sha256sum)`,
    `[ "$(stat -c %s ${quote(part)})" = ${sizeBytes} ] || [ "$sum" != '${sha256}  -' ] || { echo 'imcloud: not stored' >&2; exit 98; }`,
    `[ "$sum" = '${sha256}  -' ] || { echo '${BOOTSTRAP_FAILURES[96]}' >&2; exit 96; }`,
    `chmod ${mode.toString(8)} ${quote(part)} && sync ${quote(part)} && mv -f ${quote(part)} ${quote(path)} && sync ${quote(folder)}`,
  ].join("; ");
}

function refuseDamage(board: string, result: ExecResult): ExecResult {
  const word = BOOTSTRAP_FAILURES[result.exitCode];
  if (word === undefined || !result.stderr.includes(word)) return result;
  throw new ImcloudError(
    "board.payload-damaged",
    `\`${board}\` could not take what was sent: ${word.slice(9)}`,
    {
      found: result.stderr.trim().split("\n").at(-1) ?? "",
      hint: "run the command again; if it fails again, look at free space in /run on the board",
    },
  );
}

function notRoot(board: string, user: string, login: Login, result: ExecResult): ImcloudError {
  const why = result.stderr
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .at(-1);
  return new ImcloudError("board.sudo-refused", `user \`${user}\` cannot become root on \`${board}\``, {
    found: why ?? `exit code ${result.exitCode} and no word from sudo`,
    hint:
      login === "sudo"
        ? "give the sudo password (secret `sudo_password`, or IMCLOUD_SUDO_PASSWORD), or a user with NOPASSWD sudo"
        : "check the sudo password, and that the user is in the board's sudoers",
  });
}

function notReceived(board: string, path: string, result: ExecResult): ImcloudError {
  return new ImcloudError("board.payload-damaged", `\`${board}\` did not take ${path}`, {
    found: result.stderr.trim().split("\n").at(-1) || `exit code ${result.exitCode}`,
    hint: "look at free space on the board, then run the command again",
  });
}

function deadlinePassed(board: string, deadlineMs: number): ImcloudError {
  return new ImcloudError("board.lost", `\`${board}\` gave no answer in ${Math.round(deadlineMs / 1000)} s`, {
    hint: "see whether the board has power and network, then run the command again",
  });
}
