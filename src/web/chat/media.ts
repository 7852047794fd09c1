/**
 * Pictures and files: fetched with the session's token, decrypted where they are encrypted, and kept as `blob:`
 * addresses for as long as something shows them.
 * Sources: Matrix client-server API v1.19, "Content Repository", "Sending encrypted attachments".
 */
import type { MatrixClient } from "matrix-js-sdk";
import { decryptFile, encryptFile, type EncryptedFile } from "./attachment.js";

export type { EncryptedFile } from "./attachment.js";

/** Where a file is: openly, or encrypted with the key that the event holds. */
export interface Source {
  readonly url?: string | undefined;
  readonly file?: EncryptedFile | undefined;
}

export interface Box {
  /** Device pixels are counted in: a screen with two for one gets twice as many. */
  readonly width: number;
  readonly height: number;
  readonly method?: "crop" | "scale";
}

/** Bytes of what nobody shows any more and that are kept all the same, for scrolling back. */
const MOST_IDLE_BYTES = 40_000_000;

/** Something that is shown, or was. */
export interface Kept {
  readonly key: string;
  /** `blob:`. @throws Error when it cannot be had */
  readonly address: Promise<string>;
  /** Undefined until it is there. */
  bytes: number | undefined;
  users: number;
}

export class Media {
  readonly #client: MatrixClient;
  /** Least recently used first. */
  readonly #kept = new Map<string, Kept>();

  constructor(client: MatrixClient) {
    this.#client = client;
  }

  /** @returns what is to be given back with `release` */
  take(source: Source, box?: Box): Kept {
    const key = JSON.stringify([source.file?.url ?? source.url, box]);
    const kept = this.#kept.get(key) ?? this.#load(key, source, box);
    kept.users += 1;
    // The last one is the one that was used last.
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept;
  }

  release(kept: Kept): void {
    kept.users -= 1;
    const idle = [...this.#kept.values()].filter(({ users, bytes }) => users <= 0 && bytes !== undefined);
    let bytes = idle.reduce((sum, it) => sum + (it.bytes ?? 0), 0);
    for (const old of idle) {
      if (bytes <= MOST_IDLE_BYTES) return;
      bytes -= old.bytes ?? 0;
      this.#kept.delete(old.key);
      old.address.then(
        (it) => URL.revokeObjectURL(it),
        () => undefined,
      );
    }
  }

  /** @throws Error when it cannot be had, or is not what was encrypted */
  async fetch({ url, file }: Source, box?: Box): Promise<Blob> {
    const mxc = file?.url ?? url;
    if (mxc === undefined) throw new Error("the message names no file");
    const ratio = Math.min(2, devicePixelRatio);
    // What is encrypted the server cannot make smaller.
    const small = file === undefined ? box : undefined;
    const pixels = (length: number | undefined) =>
      length === undefined ? undefined : Math.ceil(length * ratio);
    const address = this.#client.mxcUrlToHttp(
      mxc,
      pixels(small?.width),
      pixels(small?.height),
      small === undefined ? undefined : (small.method ?? "scale"),
      false,
      true,
      true,
    );
    if (address === null) throw new Error(`${mxc} is no address of a file`);
    const response = await fetch(address, {
      headers: { authorization: `Bearer ${this.#client.getAccessToken() ?? ""}` },
    });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return file === undefined ? response.blob() : decryptFile(file, await response.arrayBuffer());
  }

  #load(key: string, source: Source, box?: Box): Kept {
    const address = this.fetch(source, box).then((blob) => {
      kept.bytes = blob.size;
      return URL.createObjectURL(blob);
    });
    const kept: Kept = { key, address, bytes: undefined, users: 0 };
    // The next one who wants it asks once more.
    address.catch(() => this.#kept.delete(key));
    return kept;
  }

  /**
   * @param isEncrypted encrypt it first; then the server learns neither its content nor its name and type
   * @param onProgress with a number from 0 to 1
   * @throws MatrixError when the server takes it not: too large, quota; AbortError
   */
  async upload(
    blob: Blob,
    name: string,
    isEncrypted: boolean,
    onProgress: (part: number) => void = () => undefined,
    abortController = new AbortController(),
  ): Promise<Source> {
    const options = {
      abortController,
      progressHandler: ({ loaded, total }: { loaded: number; total: number }) =>
        onProgress(total === 0 ? 1 : loaded / total),
    };
    if (!isEncrypted) {
      const { content_uri } = await this.#client.uploadContent(blob, { ...options, name, type: blob.type });
      return { url: content_uri };
    }
    const { data, file } = await encryptFile(await blob.arrayBuffer());
    const { content_uri } = await this.#client.uploadContent(new Blob([data]), {
      ...options,
      includeFilename: false,
      type: "application/octet-stream",
    });
    return { file: { ...file, url: content_uri } };
  }
}
