/**
 * A server for one test: its own database in its own folder, a free port, weak passwords and no rate limits.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClientEvent, createClient, type MatrixClient } from "matrix-js-sdk";
import { ServerConfig, type ServerConfigInput } from "../../src/shared/server-config.js";
import { Log } from "../../src/server/runtime/log.js";
import { startServer, type RunningServer } from "../../src/server/server.js";

export interface TestServer {
  readonly url: string;
  readonly running: RunningServer;
  readonly folder: string;
  stop(): Promise<void>;
}

export async function startTestServer(overrides: Partial<ServerConfigInput> = {}): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), "imcloud-server-"));
  const config = ServerConfig.parse({
    serverName: "hs1",
    listeners: [{ address: "127.0.0.1", port: 0 }],
    publicBaseUrl: "http://127.0.0.1:8008",
    store: { kind: "sqlite", path: join(folder, "imcloud.sqlite") },
    registration: { mode: "open" },
    rateLimits: { enabled: false },
    passwordHash: { memoryKib: 64, iterations: 1 },
    limits: { passwordMinimum: 1 },
    logLevel: "warn",
    ...overrides,
  } satisfies ServerConfigInput);
  const running = await startServer(config, new Log(config.logLevel), { checkReplies: true });
  return {
    url: `http://127.0.0.1:${running.ports[0] ?? 0}`,
    running,
    folder,
    stop: async () => {
      await running.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A server of its own for a file of tests, and accounts on it by their names. */
export async function startWithPeople<const N extends readonly string[]>(
  ...names: N
): Promise<[TestServer, ...{ -readonly [K in keyof N]: Person }]> {
  const server = await startTestServer();
  const people = await Promise.all(names.map((name) => register(server, name)));
  return [server, ...(people as { -readonly [K in keyof N]: Person })];
}

/** A room that all of them are in. @returns its id */
export async function roomOf(owner: Person, ...others: readonly Person[]): Promise<string> {
  const { room_id: roomId } = await owner.post<{ room_id: string }>("createRoom", {
    invite: others.map(({ userId }) => userId),
  });
  for (const other of others) await other.post(`rooms/${encodeURIComponent(roomId)}/join`, {});
  return roomId;
}

/** A syncing matrix-js-sdk client of a new account. */
export async function logIn(server: Pick<TestServer, "url">, name: string): Promise<MatrixClient> {
  const guest = createClient({ baseUrl: server.url });
  await guest.registerRequest({
    username: name,
    password: `${name}'s password`,
    auth: { type: "m.login.dummy" },
  });
  const session = await guest.loginRequest({
    type: "m.login.password",
    identifier: { type: "m.id.user", user: name },
    password: `${name}'s password`,
  });
  const client = createClient({
    baseUrl: server.url,
    userId: session.user_id,
    accessToken: session.access_token,
    deviceId: session.device_id,
  });
  await client.startClient({ initialSyncLimit: 20 });
  await until(client, () => client.isInitialSyncComplete());
  return client;
}

/** Resolves when a condition holds; looked at whenever the client has synced. */
export async function until(
  client: MatrixClient,
  condition: () => boolean,
  timeoutMs = 15_000,
): Promise<void> {
  if (condition()) return;
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      client.off(ClientEvent.Sync, look);
      client.off(ClientEvent.Event, look);
      reject(new Error(`not within ${timeoutMs} ms: ${condition.toString()}`));
    }, timeoutMs);
    function look() {
      if (!condition()) return;
      clearTimeout(timer);
      client.off(ClientEvent.Sync, look);
      client.off(ClientEvent.Event, look);
      resolve();
    }
    client.on(ClientEvent.Sync, look);
    client.on(ClientEvent.Event, look);
  });
}

/** An account with a token, and the API as plain calls. */
export interface Person {
  readonly userId: string;
  readonly token: string;
  readonly deviceId: string;
  /** @throws ApiError when the answer is an error */
  call<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T>;
  post<T = Record<string, unknown>>(path: string, body: unknown): Promise<T>;
  get<T = Record<string, unknown>>(path: string): Promise<T>;
  /** Sends a text. @returns the event's id */
  send(roomId: string, text: string): Promise<string>;
}

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly body: Record<string, unknown>;

  constructor(status: number, body: Record<string, unknown>) {
    super(`${status} ${JSON.stringify(body)}`);
    this.status = status;
    this.code = String(body["errcode"]);
    this.body = body;
  }
}

/** The server's operator, who has no account but the token in the server's own folder. */
export function operatorOf(
  server: Pick<TestServer, "url" | "folder">,
): Pick<Person, "call" | "get" | "post" | "token"> {
  const token = readFileSync(join(server.folder, "admin.token"), "utf8").trim();
  const call = <T>(method: string, path: string, body?: unknown) =>
    callApi<T>(server.url, method, path.startsWith("/_") ? path : `/_imcloud/admin/v1${path}`, body, token);
  return {
    token,
    call,
    get: (path) => call("GET", path),
    post: (path, body) => call("POST", path, body),
  };
}

/** The error that a call is answered with. @throws Error when it is answered with anything else */
export async function refusal(call: Promise<unknown>): Promise<ApiError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApiError)) throw new Error(`not refused: ${String(error)}`);
  return error;
}

/** @param path below `/_matrix/client/v3/`, or from the root with a slash in front */
export async function callApi<T>(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  token?: string,
): Promise<T> {
  const response = await fetch(path.startsWith("/") ? `${url}${path}` : `${url}/_matrix/client/v3/${path}`, {
    method,
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new ApiError(response.status, answer);
  return answer as T;
}

export async function register(server: Pick<TestServer, "url">, name: string): Promise<Person> {
  const session = await callApi<{ user_id: string; access_token: string; device_id: string }>(
    server.url,
    "POST",
    "register",
    {
      username: name,
      password: `${name}'s password`,
      auth: { type: "m.login.dummy" },
    },
  );
  return personOf(server, session);
}

export function personOf(
  server: Pick<TestServer, "url">,
  session: { user_id: string; access_token: string; device_id: string },
): Person {
  const call = <T>(method: string, path: string, body?: unknown) =>
    callApi<T>(server.url, method, path, body, session.access_token);
  let sent = 0;
  return {
    userId: session.user_id,
    token: session.access_token,
    deviceId: session.device_id,
    call,
    post: (path, body) => call("POST", path, body),
    get: (path) => call("GET", path),
    async send(roomId, text) {
      sent += 1;
      const path = `rooms/${encodeURIComponent(roomId)}/send/m.room.message/${session.device_id}-${sent}`;
      return (await call<{ event_id: string }>("PUT", path, { msgtype: "m.text", body: text })).event_id;
    },
  };
}
