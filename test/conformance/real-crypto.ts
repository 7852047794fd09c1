/**
 * Devices of people with matrix-js-sdk's real cryptography, its Rust library.
 */
import { ClientEvent, createClient, MatrixEventEvent, type MatrixClient } from "matrix-js-sdk";
import type { CryptoApi, GeneratedSecretStorageKey } from "matrix-js-sdk/lib/crypto-api/index.js";
import { until, type TestServer } from "../server/test-server.js";

const WAIT_MS = 30_000;
export const passwordOf = (name: string): string => `${name}'s password`;

export class Devices {
  readonly #server: Pick<TestServer, "url">;
  readonly #clients: MatrixClient[] = [];
  /** What somebody has written down: opens their secret storage on any device. */
  recoveryKey: GeneratedSecretStorageKey | undefined;

  constructor(server: Pick<TestServer, "url">) {
    this.#server = server;
  }

  /** A syncing device with keys of its own. @param isNew whether the account is made first */
  async of(name: string, { isNew = false } = {}): Promise<MatrixClient> {
    const baseUrl = this.#server.url;
    const guest = createClient({ baseUrl });
    const password = passwordOf(name);
    if (isNew)
      await guest.registerRequest({
        ...{ username: name, password, inhibit_login: true },
        auth: { type: "m.login.dummy" },
      });
    const session = await guest.loginRequest({
      ...{ type: "m.login.password", identifier: { type: "m.id.user", user: name }, password },
    });
    const client = createClient({
      ...{ baseUrl, userId: session.user_id, accessToken: session.access_token, deviceId: session.device_id },
      cryptoCallbacks: {
        getSecretStorageKey: ({ keys }) => {
          if (this.recoveryKey === undefined) throw new Error("nobody has written down a recovery key");
          const { privateKey } = this.recoveryKey;
          const found: [string, Uint8Array<ArrayBuffer>] = [
            Object.keys(keys)[0] ?? "",
            privateKey as Uint8Array<ArrayBuffer>,
          ];
          return Promise.resolve(found);
        },
      },
    });
    this.#clients.push(client);
    await client.initRustCrypto({ useIndexedDB: false });
    await client.startClient({ initialSyncLimit: 20 });
    await until(client, () => client.isInitialSyncComplete());
    return client;
  }

  stop(): void {
    for (const client of this.#clients) client.stopClient();
  }
}

export function cryptoOf(client: MatrixClient): CryptoApi {
  const crypto = client.getCrypto();
  if (crypto === undefined) throw new Error("no cryptography");
  return crypto;
}

/** Makes a person's cross-signing keys. */
export const signUp = (client: MatrixClient, name: string): Promise<void> =>
  cryptoOf(client).bootstrapCrossSigning({
    authUploadDeviceSigningKeys: async (upload) => {
      await upload({
        ...{ type: "m.login.password", identifier: { type: "m.id.user", user: name } },
        password: passwordOf(name),
      });
    },
  });

/** The texts that a device can read in a room. */
export const texts = (client: MatrixClient, roomId: string): string[] =>
  (client.getRoom(roomId)?.getLiveTimeline().getEvents() ?? [])
    .filter((event) => event.getType() === "m.room.message")
    .map((event) => String(event.getContent()["body"]));

/** Decryption ends after the sync that brought the event: both are looked at. */
export async function untilRead(client: MatrixClient, roomId: string, text: string): Promise<void> {
  if (texts(client, roomId).includes(text)) return;
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => done(new Error(`"${text}" is not to be read: ${texts(client, roomId).join()}`)),
      WAIT_MS,
    );
    const look = () => {
      if (texts(client, roomId).includes(text)) done();
    };
    const done = (error?: Error) => {
      clearTimeout(timer);
      client.off(MatrixEventEvent.Decrypted, look);
      client.off(ClientEvent.Sync, look);
      if (error === undefined) resolve();
      else reject(error);
    };
    client.on(MatrixEventEvent.Decrypted, look);
    client.on(ClientEvent.Sync, look);
  });
}
