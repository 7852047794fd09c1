/**
 * Detached OpenPGP signatures of large files, as publishers put them beside their archives.
 *
 * By OpenPGP.js and not by gpgv, which macOS and Windows do not have. It refuses what is weak by today's measure and
 * judges a key as of the time it signed: releases outlive the keys they were signed with.
 */
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { PublicKey } from "openpgp";

const KEY_BLOCK = /-----BEGIN PGP PUBLIC KEY BLOCK-----[\s\S]*?-----END PGP PUBLIC KEY BLOCK-----/g;

/** The signature is not one of these keys over this file. The message says which of the reasons it is. */
export class NotSigned extends Error {
  override readonly name = "NotSigned";
}

/**
 * @param signature armoured, as in `FILE.asc`
 * @param keys armoured blocks, one after the other, with any text between them, as in a project's `KEYS`
 * @returns the fingerprint of the key that signed it, in upper-case hexadecimal digits
 * @throws NotSigned
 */
export async function signerOf(path: string, signature: string, keys: string): Promise<string> {
  const { createMessage, readSignature, verify } = await import("openpgp");
  const verificationKeys = await readable(keys);
  const { data, signatures } = await verify({
    message: await createMessage({ binary: webStream(path) }),
    signature: await readSignature({ armoredSignature: signature }).catch(refused),
    verificationKeys,
    format: "binary",
  });
  for await (const chunk of Readable.fromWeb(data as ReadableStream)) void chunk;
  const problems: string[] = [];
  for (const { keyID, verified } of signatures) {
    try {
      await verified;
      const signer = verificationKeys.find((key) => key.getKeys(keyID).length > 0);
      if (signer !== undefined) return signer.getFingerprint().toUpperCase();
    } catch (error) {
      problems.push(inWords(error));
    }
  }
  throw new NotSigned([...new Set(problems)].join("; ") || "there is no signature in it");
}

/** Those that can be read: a project's list goes back to keys of a kind that nobody takes any more. */
async function readable(text: string): Promise<PublicKey[]> {
  const { readKeys } = await import("openpgp");
  const blocks = text.match(KEY_BLOCK) ?? [];
  const read = await Promise.allSettled(blocks.map((armoredKeys) => readKeys({ armoredKeys })));
  const keys = read.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
  if (keys.length > 0) return keys;
  const why = read.flatMap((one) => (one.status === "rejected" ? [inWords(one.reason)] : []))[0];
  throw new NotSigned(`no public key can be read: ${why ?? "there is no PGP PUBLIC KEY BLOCK"}`);
}

const webStream = (path: string) => Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>;

const refused = (error: unknown): never => {
  throw new NotSigned(`the signature cannot be read: ${inWords(error)}`);
};

const inWords = (error: unknown): string => (error instanceof Error ? error.message : String(error));
