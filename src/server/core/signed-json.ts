/**
 * Signatures over JSON objects, as clients make them with the keys of devices and people.
 *
 * Source: Matrix specification, appendices, "Signing JSON"; RFC 8032 for Ed25519.
 */
import { createPublicKey, verify } from "node:crypto";
import { canonicalJson, NotCanonicalError } from "./canonical-json.js";
import { isObject, type JsonObject } from "./json.js";

/** What is signed of an object: all but the signatures, and what servers add. */
export function signedPart(object: JsonObject): string {
  const { signatures: _signatures, unsigned: _unsigned, ...signed } = object;
  return canonicalJson(signed);
}

/** @returns the signature that stands in an object, if there is one of that user and key */
export function signatureBy(object: JsonObject, userId: string, keyId: string): string | undefined {
  const { signatures } = object;
  const own = isObject(signatures) && Object.hasOwn(signatures, userId) ? signatures[userId] : undefined;
  const signature = isObject(own) && Object.hasOwn(own, keyId) ? own[keyId] : undefined;
  return typeof signature === "string" ? signature : undefined;
}

/**
 * @param publicKey 32 bytes in base64 without padding
 * @returns whether the object holds a right signature of that user's key
 */
export function isSignedBy(object: JsonObject, userId: string, keyId: string, publicKey: string): boolean {
  const signature = signatureBy(object, userId, keyId);
  if (signature === undefined) return false;
  try {
    const key = createPublicKey({
      key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(publicKey, "base64").toString("base64url") },
      format: "jwk",
    });
    return verify(null, Buffer.from(signedPart(object)), key, Buffer.from(signature, "base64"));
  } catch (error) {
    // What has no canonical form cannot be signed, and what is no key cannot have signed.
    if (error instanceof NotCanonicalError || isNoKey(error)) return false;
    throw error;
  }
}

const isNoKey = (error: unknown): boolean =>
  error instanceof Error && "code" in error && String(error.code).startsWith("ERR_");
