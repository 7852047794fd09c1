/**
 * Who vouches for whom: a person's master key for their other two, the self-signing key for their devices, the
 * user-signing key for other people's master keys.
 *
 * Clients prove all of it to each other; the server checks it too, so that nobody stores what no client would take.
 * Source: Matrix client-server API v1.19, "Cross-signing".
 */
import { isObject, type JsonObject } from "../core/json.js";
import { isSignedBy, signatureBy, signedPart } from "../core/signed-json.js";
import type { KeySignature, KeyUsage } from "../store/cross-signing.js";
import type { Store } from "../store/store.js";
import { Failure, invalid } from "./failure.js";

type Keys = Partial<Record<KeyUsage, JsonObject>>;
/** By user and by device or key; each is refused for itself. */
type Refused = Record<string, Record<string, JsonObject>>;

const SIGNED_BY_MASTER = ["self_signing", "user_signing"] as const;

interface SigningKey {
  /** `ed25519:KEY` */
  readonly id: string;
  readonly publicKey: string;
}

export class CrossSigning {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Whether the upload needs more proof than a token: whoever replaces a master key cuts the person off from all who
   * trust them.
   */
  async needsProof(userId: string, uploaded: Keys): Promise<boolean> {
    const stored = await this.#store.crossSigning.keys(userId);
    if (stored.master === undefined) return false;
    return Object.entries(uploaded).some(([usage, key]) => {
      const old = stored[usage as KeyUsage];
      return old === undefined || signedPart(old) !== signedPart(key);
    });
  }

  /** @throws Failure M_INVALID_PARAM, M_MISSING_PARAM, M_INVALID_SIGNATURE, M_FORBIDDEN */
  async upload(userId: string, uploaded: Keys): Promise<void> {
    for (const [usage, key] of Object.entries(uploaded)) assertKeyOf(userId, usage as KeyUsage, key);
    const devices = await this.#store.sessions.devices(userId);
    // What signs is found by its name, among devices and keys alike.
    for (const key of Object.values(uploaded))
      if (devices.some(({ deviceId }) => deviceId === signingKey(key).publicKey))
        throw new Failure("M_FORBIDDEN", "one of your devices has the key for a name");
    const master = uploaded.master ?? (await this.#store.crossSigning.keys(userId)).master;
    for (const usage of SIGNED_BY_MASTER) {
      const key = uploaded[usage];
      if (key === undefined) continue;
      if (master === undefined) throw new Failure("M_MISSING_PARAM", "there is no master key to sign it");
      const { id, publicKey } = signingKey(master);
      if (!isSignedBy(key, userId, id, publicKey))
        throw new Failure("M_INVALID_SIGNATURE", `the master key has not signed the ${usage} key`);
    }
    const keys = Object.entries(uploaded).map(([usage, key]) => ({ usage: usage as KeyUsage, key }));
    await this.#store.crossSigning.setKeys(userId, keys);
  }

  /** Takes what is right. @returns what is not, and why */
  async sign(
    signer: string,
    signed: Readonly<Record<string, Readonly<Record<string, JsonObject>>>>,
  ): Promise<Refused> {
    const own = await this.#store.crossSigning.keys(signer);
    const taken: KeySignature[] = [];
    const refused: Refused = {};
    for (const [userId, objects] of Object.entries(signed)) {
      const signaturesOf =
        userId === signer
          ? await this.#ownSignatures(signer, own)
          : await this.#signaturesOfOthers(signer, own, userId);
      for (const [keyId, object] of Object.entries(objects)) {
        try {
          taken.push(...signaturesOf(keyId, object));
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          (refused[userId] ??= {})[keyId] = error.toJSON();
        }
      }
    }
    if (taken.length > 0) await this.#store.crossSigning.addSignatures(taken);
    return refused;
  }

  /** Devices by the self-signing key, the master key by devices. */
  async #ownSignatures(signer: string, own: Keys) {
    const devices = await this.#store.encryption.deviceKeys(signer);
    return (keyId: string, object: JsonObject): KeySignature[] => {
      const device = devices.get(keyId)?.keys;
      if (device !== undefined) {
        assertSame(object, device);
        return [this.#signature(signer, keyId, object, signer, required(own.self_signing, "self-signing"))];
      }
      const { master } = own;
      if (master === undefined || signingKey(master).publicKey !== keyId)
        throw new Failure("M_NOT_FOUND", "you have no such device or key");
      assertSame(object, master);
      const signers = [...devices].filter(
        ([deviceId]) => signatureBy(object, signer, `ed25519:${deviceId}`) !== undefined,
      );
      if (signers.length === 0) throw unsigned();
      return signers.map(([deviceId, { keys }]) => {
        const id = `ed25519:${deviceId}`;
        const publicKey = isObject(keys["keys"]) ? keys["keys"][id] : undefined;
        return this.#signature(signer, keyId, object, signer, { id, publicKey: textOf(publicKey) });
      });
    };
  }

  async #signaturesOfOthers(signer: string, own: Keys, userId: string) {
    const { master } = await this.#store.crossSigning.keys(userId);
    return (keyId: string, object: JsonObject): KeySignature[] => {
      if (master === undefined || signingKey(master).publicKey !== keyId)
        throw new Failure("M_NOT_FOUND", `${userId} has no such master key`);
      assertSame(object, master);
      return [this.#signature(userId, keyId, object, signer, required(own.user_signing, "user-signing"))];
    };
  }

  #signature(
    userId: string,
    keyId: string,
    object: JsonObject,
    signer: string,
    { id, publicKey }: SigningKey,
  ): KeySignature {
    const signature = signatureBy(object, signer, id);
    if (signature === undefined || !isSignedBy(object, signer, id, publicKey)) throw unsigned();
    return { userId, keyId, signer, signerKey: id, signature };
  }
}

/** An object with the signatures that are known of it besides its own. */
export function withSignatures(object: JsonObject, signatures: readonly KeySignature[]): JsonObject {
  if (signatures.length === 0) return object;
  const own = isObject(object["signatures"]) ? object["signatures"] : {};
  const all: Record<string, JsonObject> = Object.fromEntries(
    Object.entries(own).map(([userId, some]) => [userId, isObject(some) ? { ...some } : {}]),
  );
  for (const { signer, signerKey, signature } of signatures)
    all[signer] = { ...all[signer], [signerKey]: signature };
  return { ...object, signatures: all };
}

/** @returns the one key of a cross-signing key's object */
export function signingKey(key: JsonObject): SigningKey {
  const [[id, publicKey] = ["", ""]] = Object.entries(isObject(key["keys"]) ? key["keys"] : {});
  return { id, publicKey: textOf(publicKey) };
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

function required(key: JsonObject | undefined, name: string): SigningKey {
  if (key === undefined) throw new Failure("M_MISSING_PARAM", `you have no ${name} key`);
  return signingKey(key);
}

const unsigned = () => new Failure("M_INVALID_SIGNATURE", "there is no right signature of your key in it");

function assertSame(object: JsonObject, stored: JsonObject): void {
  if (signedPart(object) !== signedPart(stored))
    throw new Failure("M_INVALID_SIGNATURE", "what is signed is not what the server has");
}

function assertKeyOf(userId: string, usage: KeyUsage, key: JsonObject): void {
  const { keys, usage: usages } = key;
  const names = isObject(keys) ? Object.entries(keys) : [];
  const [name] = names;
  if (key["user_id"] !== userId) throw invalid(`the ${usage} key is not yours`);
  if (!Array.isArray(usages) || !usages.includes(usage)) throw invalid(`the key's usage is not ${usage}`);
  if (name === undefined || names.length !== 1) throw invalid(`the ${usage} key holds one key`);
  if (typeof name[1] !== "string" || name[0] !== `ed25519:${name[1]}`)
    throw invalid(`the ${usage} key is not named after itself`);
}
