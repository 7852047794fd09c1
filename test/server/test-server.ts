/**
 * A server for one test: its own database in its own folder, a free port, weak passwords and no rate limits.
 */
import { mkdtempSync, rmSync } from "node:fs";
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
      rmSync(folder, { recursive: true });
    },
  };
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
