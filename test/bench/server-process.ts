/**
 * The built server as a process of its own, and people to use it.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../src/shared/package-root.js";
import type { ServerConfigInput } from "../../src/shared/server-config.js";
import { freePort } from "../server/listening.js";

const READY_MS = 20_000;
/** Of everybody in a bench. */
export const PASSWORD = "password";

/** The pinned Bun: where npm has left it, which depends on whether install scripts ran. */
export const BUN = [
  join(packageRoot(), "node_modules", "bun", "bin", "bun.exe"),
  join(
    packageRoot(),
    "node_modules",
    "@oven",
    `bun-linux-${process.arch === "arm64" ? "aarch64" : "x64"}`,
    "bin",
    "bun",
  ),
].find((path) => existsSync(path)) as string;

export const SERVER = join(packageRoot(), "dist", "server", "main.js");

/** Somewhere to chat, by the Matrix client-server API over plain HTTP. */
export interface ChatServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

/** {@link url} and {@link port} are those of the first listener. */
export interface ServerProcess extends ChatServer {
  /** Of the last listener, when that speaks plain HTTP. */
  readonly plainUrl: string;
  readonly folder: string;
  readonly configPath: string;
  readonly process: ChildProcess;
}

/** Starts the server with a database of its own, open registration and no rate limits, and waits until it serves. */
export async function startServerProcess(
  overrides: Partial<ServerConfigInput> = {},
  prefix: readonly string[] = [],
  folder?: string,
  program = SERVER,
): Promise<ServerProcess> {
  const place = folder ?? (await mkdtemp(join(tmpdir(), "imcloud-server-")));
  const port = await freePort();
  const configPath = join(place, "server.json");
  const config: ServerConfigInput = {
    serverName: "hs1",
    listeners: [{ address: "127.0.0.1", port }],
    publicBaseUrl: `http://127.0.0.1:${port}`,
    store: { kind: "sqlite", path: join(place, "imcloud.sqlite") },
    registration: { mode: "open" },
    rateLimits: { enabled: false },
    passwordHash: { memoryKib: 64, iterations: 1 },
    limits: { passwordMinimum: 1 },
    ...overrides,
  };
  await writeFile(configPath, JSON.stringify(config));
  const [command = "", ...args] = [...prefix, BUN, program, "serve", "--config", configPath];
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
  await untilReady(child);
  const used = config.listeners[0]?.port ?? port;
  const scheme = config.listeners[0]?.tls === undefined ? "http" : "https";
  return {
    url: `${scheme}://127.0.0.1:${used}`,
    port: used,
    plainUrl: `http://127.0.0.1:${config.listeners.at(-1)?.port ?? used}`,
    folder: place,
    configPath,
    process: child,
    [Symbol.asyncDispose]: async () => {
      await ended(child, "SIGTERM");
      if (folder === undefined) await rm(place, { recursive: true, force: true });
    },
  };
}

/** Ends a process, and waits for its end. */
export async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const end = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await end;
}

export interface Account {
  readonly userId: string;
  readonly token: string;
}

export async function register(url: string, name: string): Promise<Account> {
  const session = await callServer(url, "POST", "register", undefined, {
    username: name,
    password: PASSWORD,
    auth: { type: "m.login.dummy" },
  });
  return { userId: String(session["user_id"]), token: String(session["access_token"]) };
}

/** A new session of somebody's, on a device of its own; the password is that of {@link register}. */
export async function logIn(url: string, name: string): Promise<Account> {
  const session = await callServer(url, "POST", "login", undefined, {
    type: "m.login.password",
    identifier: { type: "m.id.user", user: name },
    password: PASSWORD,
  });
  return { userId: String(session["user_id"]), token: String(session["access_token"]) };
}

/** @throws Error with the server's answer unless it is a success */
export async function callServer(
  url: string,
  method: string,
  path: string,
  token?: string,
  body?: object,
): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/_matrix/client/v3/${path}`, {
    method,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

async function untilReady(child: ChildProcess): Promise<void> {
  if (child.stderr === null) throw new Error("the server's log is not read");
  const said: string[] = [];
  const lines = createInterface({ input: child.stderr });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`the server was not ready within ${READY_MS} ms: ${said.join("\n")}`)),
      READY_MS,
    );
    child.once("exit", (code) =>
      reject(new Error(`the server ended with ${String(code)}: ${said.join("\n")}`)),
    );
    lines.on("line", (line) => {
      said.push(line);
      if (!line.includes('"message":"ready"')) return;
      clearTimeout(timer);
      resolve();
    });
  });
}
