/**
 * The whole of what the cloud's IM server keeps, as one archive on the operator's side, and back. docs/backup.md
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { extract, type Extract } from "tar-stream";
import { z } from "zod";
import type { ExecResult, Transport } from "../board/transport.js";
import { sh } from "../board/script.js";
import { ImcloudError } from "../shared/errors.js";
import { withBoard } from "./connect.js";
import type { Fleet } from "./fleet.js";
import { serverBoard } from "./server-board.js";

/** A card that gives 10 MB/s has sent 200 GB by then. */
const DEADLINE_MS = 6 * 60 * 60_000;
const UNIT = "imcloud-server.service";
/** Source: SQLite, "Database File Format", section 1.3.1. */
const SQLITE_MAGIC = "SQLite format 3\0";
/** More than the manifest has. */
const HEAD_BYTES = 4_096;

/** What `imcloud-server backup` writes last. */
const Manifest = z.object({
  version: z.literal(1),
  serverName: z.string(),
  madeAt: z.iso.datetime(),
  media: z.number().int(),
});

export interface Backup extends Omit<z.output<typeof Manifest>, "version"> {
  readonly file: string;
  readonly sizeBytes: number;
}

/**
 * Fetches a backup of the running server. The file appears only when it is whole.
 *
 * @param file is replaced if it is there
 * @throws ImcloudError `server.unreachable` when the server cannot make one
 */
export async function backUp(fleet: Fleet, file: string): Promise<Backup> {
  const part = `${file}.part`;
  try {
    const { exitCode, stderr } = await onServer(fleet, (transport) =>
      transport.get(
        sh`exec imcloud-server backup -`,
        (bytes) => pipeline(bytes, createWriteStream(part, { mode: 0o600 })),
        { deadlineMs: DEADLINE_MS },
      ),
    );
    if (exitCode !== 0) throw failed("no backup could be made", { exitCode, stderr });
    const backup = await readBackup(part);
    await makeDurable(part);
    await rename(part, file);
    await makeDurable(dirname(file));
    return { ...backup, file };
  } finally {
    await rm(part, { force: true });
  }
}

/**
 * Reads a backup to its end, and compares each upload with its hash.
 *
 * @throws ImcloudError `config.unreadable` for what is no backup, or not all of one
 */
export async function readBackup(file: string): Promise<Backup> {
  try {
    const { size } = await stat(file);
    const entries = extract();
    const [{ serverName, madeAt, media }] = await Promise.all([
      examine(entries),
      pipeline(createReadStream(file), entries),
    ]);
    return { file, sizeBytes: size, serverName, madeAt, media };
  } catch (error) {
    throw new ImcloudError(
      "config.unreadable",
      `\`${file}\` is no backup of an IM server, or not all of one`,
      {
        found: error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error),
        expected: "a file that `imcloud backup` has written",
        hint: "take another backup",
        cause: error,
      },
    );
  }
}

/** @throws Error for what is damaged, or missing */
async function examine(entries: Extract): Promise<z.output<typeof Manifest>> {
  let manifest: z.output<typeof Manifest> | undefined;
  let media = 0;
  let hasDatabase = false;
  for await (const entry of entries) {
    const name = entry.header.name.replace(/^\.\//, "");
    const hash = createHash("sha256");
    // The whole of the manifest, the first bytes of everything else.
    let head = Buffer.alloc(0);
    for await (const chunk of entry as AsyncIterable<Buffer>) {
      hash.update(chunk);
      if (head.length < HEAD_BYTES) head = Buffer.concat([head, chunk.subarray(0, HEAD_BYTES)]);
    }
    const upload = /^media\/([0-9a-f]{2})\/([0-9a-f]{62})$/.exec(name);
    if (upload !== null) {
      if (hash.digest("hex") !== `${upload[1] ?? ""}${upload[2] ?? ""}`)
        throw new Error(`the upload ${name} is damaged`);
      media += 1;
    } else if (name === "imcloud.db") hasDatabase = head.toString("latin1").startsWith(SQLITE_MAGIC);
    else if (name === "backup.json") {
      const parsed = Manifest.safeParse(JSON.parse(head.toString()));
      if (!parsed.success) throw new Error("its `backup.json` is of another kind");
      manifest = parsed.data;
    }
  }
  if (manifest === undefined) throw new Error("it has no `backup.json`");
  if (!hasDatabase) throw new Error("it has no database");
  if (manifest.media !== media) throw new Error(`${media} of ${manifest.media} uploads are there`);
  return manifest;
}

export interface Restored {
  /** Where on the board the database is that was there before; absent when there was none. */
  readonly aside?: string;
  readonly media: number;
}

/**
 * Stops the server, brings a backup back, and starts the server again, also when the backup was refused.
 *
 * @param replace put aside what the server has now
 * @throws ImcloudError `server.refused` with the server's own words; nothing was changed then
 */
export async function restore(fleet: Fleet, file: string, replace: boolean): Promise<Restored> {
  const words = `imcloud-server restore -${replace ? " --replace" : ""}`;
  const commands = `trap 'systemctl start ${UNIT}' EXIT; trap 'exit 95' HUP INT TERM PIPE; systemctl stop ${UNIT}; ${words}`;
  const result = await onServer(fleet, (transport) =>
    transport.pour(file, commands, { deadlineMs: DEADLINE_MS }),
  );
  if (result.exitCode !== 0) throw failed("the backup was not brought back", result);
  const answer = z
    .object({ media: z.number(), aside: z.string().optional() })
    .parse(JSON.parse(/^\{.*\}$/m.exec(result.stdout)?.[0] ?? "{}"));
  return { media: answer.media, ...(answer.aside !== undefined && { aside: answer.aside }) };
}

const onServer = <T>(fleet: Fleet, task: (transport: Transport) => Promise<T>): Promise<T> =>
  withBoard(serverBoard(fleet.boards), fleet.connecting, task);

function failed(
  message: string,
  { exitCode, stderr }: Pick<ExecResult, "exitCode" | "stderr">,
): ImcloudError {
  const said = stderr
    .trim()
    .split("\n")
    .find((line) => line !== "" && !line.startsWith("tar:"));
  return new ImcloudError(exitCode === 127 ? "server.unreachable" : "server.refused", message, {
    found: said ?? `exit code ${exitCode}`,
    hint:
      exitCode === 127 || exitCode === 64
        ? "bring the server there, or up to date: `imcloud apply`"
        : "see docs/backup.md, and `imcloud health`",
  });
}

async function makeDurable(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
