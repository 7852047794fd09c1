/**
 * End-to-end encryption: the cryptography of matrix-rust-sdk as WebAssembly, which is loaded once somebody is signed in;
 * whether this device is one that the account vouches for; and the recovery key, with which a new device reads what was
 * said before.
 * Sources: Matrix client-server API v1.19, "Cross-signing", "Server-side key backups", "Secrets".
 */
import { initAsync, LoggerLevel, Tracing } from "@matrix-org/matrix-sdk-crypto-wasm";
import wasm from "matrix-crypto.wasm";
import { signal } from "@preact/signals";
import { ClientEvent, type MatrixClient } from "matrix-js-sdk";
import type { SyncCryptoCallbacks } from "matrix-js-sdk/lib/common-crypto/CryptoBackend.js";
import {
  CryptoEvent,
  decodeRecoveryKey,
  type CryptoApi,
  type CryptoCallbacks,
  type GeneratedSecretStorageKey,
  type VerificationRequest,
} from "matrix-js-sdk/lib/crypto-api/index.js";

/**
 * Ways of verifying.
 * Source: Matrix client-server API v1.19, "Key verification framework" and "QR codes".
 */
export const SAS = "m.sas.v1";
export const SHOW_CODE = "m.qr_code.show.v1";
export const SCAN_CODE = "m.qr_code.scan.v1";
const RECIPROCATE = "m.reciprocate.v1";

/** `none`: the browser cannot; messages that are encrypted cannot be read or sent here. */
export type EncryptionState = "loading" | "ready" | "none";

export interface Trust {
  /** The account vouches for this device: others need not doubt what it sends. */
  readonly isVerified: boolean;
  /** There is a recovery key for this account. */
  readonly hasRecovery: boolean;
  /** Keys of messages go to the server's backup, encrypted. */
  readonly isBackedUp: boolean;
}

export class Encryption {
  readonly state = signal<EncryptionState>("loading");
  /** Undefined until it is known. */
  readonly trust = signal<Trust | undefined>(undefined);
  /** What another device, or another person, wants to verify. */
  readonly request = signal<VerificationRequest | undefined>(undefined);
  /** Whether this device can scan what another one shows. */
  hasCamera = false;
  #client: MatrixClient | undefined;
  /** The account's key for its secrets, for as long as the page is open. */
  #secretKey: { readonly id: string; readonly key: Uint8Array } | undefined;
  #typed: Uint8Array | undefined;
  /** A recovery key that is not wholly set up. */
  #made: GeneratedSecretStorageKey | undefined;

  /** For the client that is made: how it asks for the account's key. */
  readonly callbacks: CryptoCallbacks = {
    getSecretStorageKey: ({ keys }) => {
      const [id] = Object.keys(keys);
      if (this.#secretKey !== undefined && this.#secretKey.id in keys)
        return Promise.resolve([this.#secretKey.id, this.#secretKey.key as Uint8Array<ArrayBuffer>]);
      return Promise.resolve(
        this.#typed === undefined || id === undefined ? null : [id, this.#typed as Uint8Array<ArrayBuffer>],
      );
    },
    cacheSecretStorageKey: (id, _info, key) => {
      this.#secretKey = { id, key };
    },
  };

  /** Loads it and opens what this device keeps of keys. Before the first sync: that may bring keys, and brings them once. */
  async open(client: MatrixClient): Promise<void> {
    this.#client = client;
    if (typeof WebAssembly === "undefined" || !isSecureContext) {
      this.state.value = "none";
      return;
    }
    await initAsync(new URL(wasm, location.origin));
    await client.initRustCrypto();
    new Tracing(LoggerLevel.Warn).turnOn();
    spare(this.crypto);
    this.state.value = "ready";
    this.#lookForCamera().catch((error: unknown) =>
      console.warn("whether there is a camera is not known", error),
    );
    client.on(CryptoEvent.VerificationRequestReceived, (request) => (this.request.value = request));
    for (const event of [
      CryptoEvent.KeysChanged,
      CryptoEvent.KeyBackupStatus,
      CryptoEvent.DevicesUpdated,
    ] as const)
      client.on(event, () => this.#look());
    client.on(CryptoEvent.UserTrustStatusChanged, () => this.#look());
  }

  /** @throws Error where there is none */
  get crypto(): CryptoApi {
    const crypto = this.#client?.getCrypto();
    if (crypto === undefined) throw new Error("this browser has no end-to-end encryption");
    return crypto;
  }

  /**
   * After the first sync: an account that has no keys of its own gets some, which this device then is vouched for by.
   *
   * @throws Error when the server refuses them
   */
  async begin(): Promise<void> {
    if (this.state.value !== "ready") return;
    const { crypto } = this;
    if (!(await crypto.userHasCrossSigningKeys(undefined, true)))
      await crypto.bootstrapCrossSigning({
        // The first keys of an account need no proof. Source: MSC3967.
        authUploadDeviceSigningKeys: async (send) => void (await send(null)),
      });
    await crypto.checkKeyBackupAndEnable();
    await this.#examine();
  }

  /**
   * Makes a recovery key, and a backup where there is none that this device can write to: a new backup takes the place
   * of the old one, with all that is in it.
   *
   * @returns the key as it is to be written down; nobody else has it
   * @throws Error when a request fails; the next try goes on with the same key
   */
  async setUpRecovery(): Promise<string> {
    const { crypto } = this;
    const made = (this.#made ??= await crypto.createRecoveryKeyFromPassphrase());
    const hasBackupKey = (await crypto.getSessionBackupPrivateKey()) !== null;
    await crypto.bootstrapSecretStorage({
      setupNewSecretStorage: true,
      setupNewKeyBackup: !hasBackupKey || (await crypto.getKeyBackupInfo()) === null,
      createSecretStorageKey: () => Promise.resolve(made),
    });
    this.#made = undefined;
    await this.#examine();
    return made.encodedPrivateKey ?? "";
  }

  /**
   * Vouches for this device with the recovery key, and fetches the keys of earlier messages.
   *
   * @throws Error when it is no such key, or another account's
   */
  async recover(typed: string): Promise<void> {
    const { crypto } = this;
    this.#typed = decodeRecoveryKey(typed.trim());
    try {
      await crypto.bootstrapCrossSigning({});
      await crypto.loadSessionBackupPrivateKeyFromSecretStorage();
      await crypto.checkKeyBackupAndEnable();
      await crypto.restoreKeyBackup();
    } finally {
      this.#typed = undefined;
    }
    await this.#examine();
  }

  /** Asks one's other devices to vouch for this one. */
  async verifyThisDevice(): Promise<void> {
    this.request.value = await this.crypto.requestOwnUserVerification();
  }

  /** Asks somebody, in a chat of the two, to compare. */
  async verifyPerson(userId: string, roomId: string): Promise<void> {
    this.request.value = await this.crypto.requestVerificationDM(userId, roomId);
  }

  /** A device without a camera does not say that it can scan: the other one would show its code in vain. */
  async #lookForCamera(): Promise<void> {
    const devices = await navigator.mediaDevices.enumerateDevices();
    this.hasCamera = devices.some(({ kind }) => kind === "videoinput");
    const backend = this.crypto as CryptoApi & { setSupportedVerificationMethods(methods: string[]): void };
    if (!this.hasCamera) backend.setSupportedVerificationMethods([SAS, SHOW_CODE, RECIPROCATE]);
  }

  /** What happens in the background: when it fails, what is shown stays as it was. */
  #look(): void {
    this.#examine().catch((error: unknown) =>
      console.warn("the state of the encryption is not known", error),
    );
  }

  async #examine(): Promise<void> {
    const { crypto } = this;
    const client = this.#client;
    if (client === undefined) return;
    const device = await crypto.getDeviceVerificationStatus(
      client.getSafeUserId(),
      client.getDeviceId() ?? "",
    );
    this.trust.value = {
      isVerified: device?.crossSigningVerified === true,
      hasRecovery: (await client.secretStorage.getDefaultKeyId()) !== null,
      isBackedUp: (await crypto.getActiveSessionBackupVersion()) !== null,
    };
  }
}

/**
 * What the client asks of the library with each message, and what does not change from one to the next.
 *
 * With every answer the server says how many of this device's keys it has, and for every time it is told the library
 * derives all of them anew: several milliseconds before a message is shown, on a phone ten times as many. And before
 * each message it looks on the disk whether the room has ever been encrypted, lest a server deny it; nobody but this
 * page writes there, and what comes through it is told at once.
 */
function spare(crypto: CryptoApi): void {
  const backend = crypto as CryptoApi & Pick<SyncCryptoCallbacks, "processKeyCounts" | "onCryptoEvent">;
  const tell = backend.processKeyCounts.bind(crypto);
  let told = "";
  backend.processKeyCounts = async (...counts) => {
    const now = JSON.stringify(counts);
    if (now === told) return;
    await tell(...counts);
    told = now;
  };

  const ask = crypto.isEncryptionEnabledInRoom.bind(crypto);
  const turnOn = backend.onCryptoEvent.bind(crypto);
  const answers = new Map<string, Promise<boolean>>();
  crypto.isEncryptionEnabledInRoom = (roomId) => {
    const known = answers.get(roomId);
    if (known !== undefined) return known;
    const answer = ask(roomId);
    answers.set(roomId, answer);
    answer.catch(() => answers.delete(roomId));
    return answer;
  };
  backend.onCryptoEvent = async (room, event) => {
    answers.delete(room.roomId);
    await turnOn(room, event);
    answers.delete(room.roomId);
  };
}

/** @returns a promise of the client's first sync */
export function firstSync(client: MatrixClient): Promise<void> {
  return new Promise((resolve) => {
    const listen = () => {
      if (!client.isInitialSyncComplete()) return;
      client.off(ClientEvent.Sync, listen);
      resolve();
    };
    client.on(ClientEvent.Sync, listen);
  });
}
