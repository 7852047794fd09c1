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
import type { ExecOptions, ExecResult, Source, Take, Transport } from "./transport.js";

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
    take?: Take,
  ): Promise<ExecResult> {
    const isStopped = (): boolean => options.signal?.aborted === true;
    for (;;) {
      // Before each try: what was stopped must not begin on a board whose turn had still to come.
      if (isStopped()) throw stoppedByOperator(board);
      execs += 1;
      const attempt = await runOnce(
        await link.open(command(login)),
        feed,
        options,
        board,
        sudoPassword,
        take,
      );
      if (attempt.ready) return attempt.result;
      if (isStopped()) throw stoppedByOperator(board);
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

    async get(script, take, options) {
      const { header, body } = await packPayload(script);
      const result = await run(bootstrapCommand, (stdin) => pipeline([header, body], stdin), options, take);
      return refuseDamage(board, result);
    },

    async put(source, path, mode, options) {
      const there = await this.exec(lookFor(source, path, mode), options);
      if (there.exitCode === 0) return false;
      const send: Feed = (stdin) =>
        source.gzipPath === undefined
          ? pipeline(createReadStream(source.path), createGzip({ level: 1 }), stdin)
          : pipeline(createReadStream(source.gzipPath), stdin);
      const result = await run(asRoot(receiveText(source, path, mode)), send, options);
      if (result.exitCode !== 0) throw notReceived(board, path, result);
      return true;
    },

    pour(path, commands, options) {
      const text = `${SURROUNDINGS}; echo ${READY}; ${commands}`;
      return run(asRoot(text), (stdin) => pipeline(createReadStream(path), stdin), options);
    },

    close: () => link.close(),
  };
}

const SURROUNDINGS =
  "umask 022; PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C; export PATH LC_ALL";

/** The command line that runs a text under root's shell, by each way of becoming root. */
const asRoot = (text: string) => (login: Login) => {
  const shell = `sh -c ${quote(text)}`;
  if (login === "root") return shell;
  return login === "sudo" ? `sudo -n -- ${shell}` : `sudo -S -p ${SUDO_PROMPT} -- ${shell}`;
};

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
  take?: Take,
): Promise<{ ready: boolean; result: ExecResult }> {
  const out: string[] = [];
  const err: string[] = [];
  let ready = false;
  let asked = 0;
  let feeding: Promise<void> = Promise.resolve();
  // The other side may end without reading: its exit says why, the broken pipe does not.
  channel.stdin.on("error", () => undefined);

  const begin = () => {
    ready = true;
    feeding = feed(channel.stdin).catch(() => undefined);
  };
  const ended =
    take === undefined
      ? readLines(channel.stdout, (line) => {
          if (!ready && line === READY) return begin();
          out.push(line);
          options.onLine?.(line, "stdout");
        })
      : readBytes(channel.stdout, begin, take);
  // Who takes the bytes may fail long before the command ends, which then has nobody to write to.
  let refusal: unknown;
  ended.catch((error: unknown) => {
    if (!isCut(error)) refusal = error;
    channel.close();
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

  const exit = await withDeadline(channel, options, board).catch((error: unknown) => {
    throw refusal ?? error;
  });
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

/** Hands on what comes behind READY. */
async function readBytes(stream: Readable, begin: () => void, take: Take): Promise<void> {
  let head = Buffer.alloc(0);
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    head = Buffer.concat([head, chunk as Buffer]);
    const end = head.indexOf("\n");
    if (end < 0) continue;
    const line = head.subarray(0, end).toString();
    head = head.subarray(end + 1);
    if (line !== READY) continue;
    begin();
    stream.unshift(head);
    return take(stream);
  }
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

/** The stream was closed, by either side: the channel's exit says why. */
const isCut = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE";

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
    SURROUNDINGS,
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
    hint: /must have a tty/.test(why ?? "")
      ? `take \`requiretty\` out of the board's sudoers, or say there \`Defaults:${user} !requiretty\`: imcloud runs sudo without a terminal`
      : login === "sudo"
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

function stoppedByOperator(board: string): ImcloudError {
  return new ImcloudError("board.lost", `nothing was begun on \`${board}\``, {
    found: "stopped by the operator",
    hint: "run the command again",
  });
}

function deadlinePassed(board: string, deadlineMs: number): ImcloudError {
  return new ImcloudError("board.lost", `\`${board}\` gave no answer in ${Math.round(deadlineMs / 1000)} s`, {
    hint: "see whether the board has power and network, then run the command again",
  });
}
