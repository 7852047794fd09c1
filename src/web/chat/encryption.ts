/**
 * End-to-end encryption: the cryptography of matrix-rust-sdk as WebAssembly, which is loaded once somebody is signed in.
 */
import { initAsync } from "@matrix-org/matrix-sdk-crypto-wasm";
import wasm from "matrix-crypto.wasm";
import { signal } from "@preact/signals";
import type { MatrixClient } from "matrix-js-sdk";
import type { CryptoApi } from "matrix-js-sdk/lib/crypto-api/index.js";

/** `none`: the browser cannot; messages that are encrypted cannot be read or sent here. */
export type EncryptionState = "loading" | "ready" | "none";

export class Encryption {
  readonly state = signal<EncryptionState>("loading");
  readonly #client: MatrixClient;

  constructor(client: MatrixClient) {
    this.#client = client;
  }

  /** Loads it and opens what this device keeps of keys. Before the first sync: that may bring keys, and brings them once. */
  async open(): Promise<void> {
    if (typeof WebAssembly === "undefined" || !isSecureContext) {
      this.state.value = "none";
      return;
    }
    await initAsync(new URL(wasm, location.origin));
    await this.#client.initRustCrypto();
    this.state.value = "ready";
  }

  /** @throws Error where there is none */
  get crypto(): CryptoApi {
    const crypto = this.#client.getCrypto();
    if (crypto === undefined) throw new Error("this browser has no end-to-end encryption");
    return crypto;
  }
}
