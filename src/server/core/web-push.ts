/**
 * Web Push: a message that only the browser or phone can read that the subscription belongs to, and the signature
 * by which a push service knows who sends it.
 *
 * By node:crypto alone: the one library that is kept, web-push, brings six others for what is two dozen lines here.
 * Sources: RFC 8291 (encryption), RFC 8188 (`aes128gcm`), RFC 8292 (VAPID).
 */
import { createCipheriv, createECDH, createPrivateKey, hkdfSync, randomBytes, sign } from "node:crypto";

/** Push services take 4,096 bytes: less the header of 86, the tag of 16 and the delimiter. Source: RFC 8291, section 4. */
export const WEB_PUSH_BYTES = 4_096 - 86 - 16 - 1;
const RECORD_BYTES = 4_096;
const CURVE = "prime256v1";
/** Of a point that is not compressed. */
const POINT_BYTES = 65;
/** At most a day. Source: RFC 8292, section 2. */
const TOKEN_SECONDS = 12 * 3_600;

/** Where a message goes: the keys of a subscription. */
export interface WebPushKeys {
  /** The browser's public key: a point of P-256, uncompressed, base64url. */
  readonly p256dh: string;
  /** 16 bytes, base64url. */
  readonly auth: string;
}

/** Whether these are keys that a message can be encrypted to. */
export function areKeys({ p256dh, auth }: WebPushKeys): boolean {
  if (Buffer.from(auth, "base64url").byteLength !== 16) return false;
  const point = Buffer.from(p256dh, "base64url");
  if (point.byteLength !== POINT_BYTES) return false;
  const ecdh = createECDH(CURVE);
  ecdh.generateKeys();
  try {
    ecdh.computeSecret(point);
    return true;
  } catch {
    return false; // not on the curve
  }
}

/**
 * @param plain at most {@link WEB_PUSH_BYTES}
 * @param own the sender's key and salt, when they must not be random: for the RFC's example
 * @returns the body, of content encoding `aes128gcm`
 */
export function encryptWebPush(
  plain: Uint8Array,
  { p256dh, auth }: WebPushKeys,
  own?: { readonly privateKey: Buffer; readonly salt: Buffer },
): Buffer {
  const ecdh = createECDH(CURVE);
  if (own === undefined) ecdh.generateKeys();
  else ecdh.setPrivateKey(own.privateKey);
  const salt = own?.salt ?? randomBytes(16);
  const receiver = Buffer.from(p256dh, "base64url");
  const sender = ecdh.getPublicKey();
  const info = Buffer.concat([Buffer.from("WebPush: info\0"), receiver, sender]);
  const material = derive(ecdh.computeSecret(receiver), Buffer.from(auth, "base64url"), info, 32);
  const key = derive(material, salt, Buffer.from("Content-Encoding: aes128gcm\0"), 16);
  const nonce = derive(material, salt, Buffer.from("Content-Encoding: nonce\0"), 12);
  const cipher = createCipheriv("aes-128-gcm", key, nonce);
  const header = Buffer.alloc(21);
  salt.copy(header);
  header.writeUInt32BE(RECORD_BYTES, 16);
  header.writeUInt8(sender.byteLength, 20);
  // 2 says that this record is the last.
  const encrypted = [
    cipher.update(plain),
    cipher.update(Buffer.from([2])),
    cipher.final(),
    cipher.getAuthTag(),
  ];
  return Buffer.concat([header, sender, ...encrypted]);
}

/** The key by which push services know this server. */
export interface VapidKey {
  /** A point of P-256, uncompressed, base64url: what a browser subscribes for. */
  readonly publicKey: string;
  /** Base64url. */
  readonly privateKey: string;
}

export function newVapidKey(): VapidKey {
  const ecdh = createECDH(CURVE);
  ecdh.generateKeys();
  return {
    publicKey: ecdh.getPublicKey("base64url"),
    privateKey: ecdh.getPrivateKey().toString("base64url"),
  };
}

/**
 * The header `Authorization` for one push service.
 *
 * @param contact where its operator finds this server's: an `https:` or `mailto:` URL
 * @param nowMs milliseconds since 1970
 */
export function vapidHeader(
  endpoint: string,
  contact: string,
  { publicKey, privateKey }: VapidKey,
  nowMs = Date.now(),
): string {
  const point = Buffer.from(publicKey, "base64url");
  const key = createPrivateKey({
    format: "jwk",
    key: {
      kty: "EC",
      crv: "P-256",
      d: privateKey,
      x: point.subarray(1, 33).toString("base64url"),
      y: point.subarray(33).toString("base64url"),
    },
  });
  const claims = {
    aud: new URL(endpoint).origin,
    exp: Math.floor(nowMs / 1000) + TOKEN_SECONDS,
    sub: contact,
  };
  const signed = [{ typ: "JWT", alg: "ES256" }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  const signature = sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" });
  return `vapid t=${signed}.${signature.toString("base64url")}, k=${publicKey}`;
}

function derive(secret: Buffer, salt: Buffer, info: Buffer, bytes: number): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, salt, info, bytes));
}
