/**
 * Encrypted files: AES-CTR with a key of their own, and a hash of the ciphertext, by the browser's own cryptography.
 * Source: Matrix client-server API v1.19, "Sending encrypted attachments".
 */
export interface EncryptedFile {
  readonly url: string;
  readonly key: JsonWebKey;
  readonly iv: string;
  readonly hashes: Readonly<Record<string, string>>;
  readonly v: string;
}

/** Half of the block counts up; more than that no file is long. */
const COUNTER_BITS = 64;
/** What a browser may show within the page; everything else is a download whatever it calls itself. */
export const SHOWN: ReadonlySet<string> = new Set([
  ...["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/apng"],
  ...["video/mp4", "video/webm", "video/ogg", "video/quicktime"],
  ...["audio/mp4", "audio/webm", "audio/aac", "audio/mpeg", "audio/ogg", "audio/wav", "audio/flac"],
]);

export async function encryptFile(
  plain: ArrayBuffer,
): Promise<{ readonly data: ArrayBuffer; readonly file: Omit<EncryptedFile, "url"> }> {
  const key = await crypto.subtle.generateKey({ name: "AES-CTR", length: 256 }, true, ["encrypt", "decrypt"]);
  const iv = new Uint8Array(16);
  crypto.getRandomValues(iv.subarray(0, 8));
  const data = await crypto.subtle.encrypt(
    { name: "AES-CTR", counter: iv, length: COUNTER_BITS },
    key,
    plain,
  );
  const { k = "" } = await crypto.subtle.exportKey("jwk", key);
  return {
    data,
    file: {
      key: { kty: "oct", key_ops: ["encrypt", "decrypt"], alg: "A256CTR", k, ext: true },
      iv: base64(iv),
      hashes: { sha256: base64(new Uint8Array(await crypto.subtle.digest("SHA-256", data))) },
      v: "v2",
    },
  };
}

/** @throws Error when it is not what was encrypted, or the event does not say how */
export async function decryptFile(file: EncryptedFile, data: ArrayBuffer): Promise<Blob> {
  if (file.v !== "v2" || file.key.alg !== "A256CTR")
    throw new Error("the file is encrypted in an unknown way");
  const hash = base64(new Uint8Array(await crypto.subtle.digest("SHA-256", data)));
  if (hash !== file.hashes["sha256"]?.replace(/=+$/, "")) throw new Error("the file was changed on its way");
  const key = await crypto.subtle.importKey("jwk", file.key, { name: "AES-CTR" }, false, ["decrypt"]);
  const counter = Uint8Array.from(atob(file.iv), (character) => character.charCodeAt(0));
  return new Blob([
    await crypto.subtle.decrypt({ name: "AES-CTR", counter, length: COUNTER_BITS }, key, data),
  ]);
}

/** Without padding, as Matrix has it. */
const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes)).replace(/=+$/, "");
