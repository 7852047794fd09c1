/**
 * The cloud's own certificate authority.
 *
 * Its key stays with the operator. Whoever installs its certificate on a phone trusts it for this cloud and
 * for nothing else: it is constrained to the server name, to names of home networks and to private addresses
 * (RFC 5280, 4.2.1.10), so that a stolen key opens no bank.
 *
 * Everything starts a day back: a board without a battery-backed clock wakes up in the past. Board
 * certificates last 397 days, the most that current platforms accept.
 */
import "reflect-metadata"; // @peculiar/x509 finds its parts by it
import { createPrivateKey, generateKeyPairSync, randomBytes, webcrypto, type KeyObject } from "node:crypto";
import { isIP } from "node:net";
import { join } from "node:path";
import { AsnConvert } from "@peculiar/asn1-schema";
import {
  GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  NameConstraints,
  id_ce_nameConstraints,
} from "@peculiar/asn1-x509";
import * as x509 from "@peculiar/x509";
import { ImcloudError } from "../shared/errors.js";
import { Secret } from "../shared/secret.js";
import { holdLock } from "../files/lock.js";
import { readOptional, writePrivate } from "../files/operator-files.js";

const DAY_MS = 24 * 60 * 60 * 1000;
const AUTHORITY_DAYS = 3_650;
const BOARD_DAYS = 397;
/** To make one takes milliseconds. */
const PATIENCE_S = 30;
const CERTIFICATE = "ca.pem";
const KEY = "ca.key";

const PRIVATE_RANGES = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "169.254.0.0/16",
  "127.0.0.0/8",
  "fc00::/7",
  "fe80::/10",
  "::1/128",
];
const HOME_NAMES = ["local", "home.arpa", "localhost"];

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" } as const;

export interface Authority {
  /** PEM, for clients to trust. */
  readonly certificate: string;
  issue(names: readonly string[], now?: Date): Promise<Issued>;
}

export interface Issued {
  /** PEM: the board's certificate, then the authority's. */
  readonly chain: string;
  readonly key: Secret;
}

/**
 * Opens the authority of a cloud, or makes it.
 *
 * @param folder of the authority: `ca.pem` and `ca.key`; to take it elsewhere, copy the folder
 * @param passphrase encrypts the key (PKCS#8); needed again whenever a certificate is issued
 * @throws ImcloudError `config.secret-missing` when the key is encrypted and the passphrase is not the right one, or
 *   when there is a certificate without its key: another authority would be one that no client trusts
 */
export async function openAuthority(
  folder: string,
  serverName: string,
  passphrase: Secret | undefined,
): Promise<Authority> {
  // One after the other: two boards that need their first certificate at once must not make two authorities.
  const before = opening.get(folder) ?? Promise.resolve();
  const opened = before.catch(() => undefined).then(() => openOrMake(folder, serverName, passphrase));
  opening.set(folder, opened);
  return opened;
}

/** The last opening of each folder. */
const opening = new Map<string, Promise<unknown>>();

async function openOrMake(
  folder: string,
  serverName: string,
  passphrase: Secret | undefined,
): Promise<Authority> {
  const there = await openExisting(folder, passphrase);
  if (there !== undefined) return there;
  // Another command may be at the same: whoever comes second opens what the first has made.
  await using lock = await holdLock(join(folder, "lock"), PATIENCE_S);
  if (lock === undefined) throw isBeingMade(folder);
  const meanwhile = await openExisting(folder, passphrase);
  if (meanwhile !== undefined) return meanwhile;
  const made = await makeAuthority(serverName, passphrase);
  const keyPath = join(folder, KEY);
  await writePrivate(keyPath, made.keyText);
  await writePrivate(join(folder, CERTIFICATE), made.certificate);
  return authorityOf(made.certificate, unlock(made.keyText, passphrase, keyPath));
}

/** @returns undefined where there is none, or half of one: a key whose certificate was never written */
async function openExisting(folder: string, passphrase: Secret | undefined): Promise<Authority | undefined> {
  const keyPath = join(folder, KEY);
  const certificate = await readOptional(join(folder, CERTIFICATE));
  const keyText = await readOptional(keyPath);
  if (certificate !== undefined && keyText !== undefined) {
    return authorityOf(certificate, unlock(keyText, passphrase, keyPath));
  }
  if (certificate !== undefined) throw keyIsElsewhere(keyPath);
  return undefined;
}

/** Exported for its tests; {@link openAuthority} is what others use. */
export async function makeAuthority(serverName: string, passphrase: Secret | undefined, now = new Date()) {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const keys = {
    privateKey: await webKey(privateKey, ["sign"]),
    publicKey: await webKey(publicKey, ["verify"]),
  };
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: [{ CN: [`imcloud authority of ${serverName}`] }],
    notBefore: new Date(now.getTime() - DAY_MS),
    notAfter: new Date(now.getTime() + AUTHORITY_DAYS * DAY_MS),
    signingAlgorithm: SIGNATURE,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      new x509.Extension(id_ce_nameConstraints, true, AsnConvert.serialize(constraints(serverName))),
    ],
  });
  const keyText = privateKey.export({
    type: "pkcs8",
    format: "pem",
    ...(passphrase !== undefined && { cipher: "aes-256-cbc", passphrase: passphrase.reveal() }),
  });
  return { certificate: pemOf(certificate), keyText: keyText as string };
}

async function authorityOf(certificate: string, key: KeyObject): Promise<Authority> {
  const issuer = new x509.X509Certificate(certificate);
  const signingKey = await webKey(key, ["sign"]);
  return {
    certificate,
    async issue(names, now = new Date()) {
      const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const boardKey = await webKey(publicKey, ["verify"]);
      const issued = await x509.X509CertificateGenerator.create({
        serialNumber: serial(),
        subject: [{ CN: [names[0] ?? "board"] }],
        issuer: issuer.subjectName,
        notBefore: new Date(now.getTime() - DAY_MS),
        // The day back counts: 397 days in all.
        notAfter: new Date(now.getTime() + (BOARD_DAYS - 1) * DAY_MS),
        signingAlgorithm: SIGNATURE,
        publicKey: boardKey,
        signingKey,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
          new x509.SubjectAlternativeNameExtension(
            names.map((name) => ({ type: isIP(name) > 0 ? "ip" : "dns", value: name })),
          ),
          await x509.SubjectKeyIdentifierExtension.create(boardKey),
          await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
        ],
      });
      return {
        chain: pemOf(issued) + certificate,
        key: new Secret(privateKey.export({ type: "pkcs8", format: "pem" }) as string),
      };
    },
  };
}

function constraints(serverName: string): NameConstraints {
  const subtrees = [
    ...[serverName, ...HOME_NAMES].map((name) => new GeneralName({ dNSName: name })),
    ...PRIVATE_RANGES.map((range) => new GeneralName({ iPAddress: range })),
  ].map((base) => new GeneralSubtree({ base }));
  return new NameConstraints({ permittedSubtrees: new GeneralSubtrees(subtrees) });
}

function unlock(keyText: string, passphrase: Secret | undefined, path: string): KeyObject {
  try {
    return createPrivateKey({
      key: keyText,
      format: "pem",
      ...(passphrase !== undefined && { passphrase: passphrase.reveal() }),
    });
  } catch (cause) {
    throw new ImcloudError("config.secret-missing", "the authority's key cannot be opened", {
      origin: { file: path, line: 1 },
      found: passphrase === undefined ? "an encrypted key and no passphrase" : "another passphrase",
      expected: "the passphrase that was given when the authority was made",
      hint: "give it as IMCLOUD_SECRET_AUTHORITY_PASSPHRASE, or as `authority_passphrase` in the secrets",
      cause,
    });
  }
}

const isBeingMade = (folder: string) =>
  new ImcloudError("board.locked", "the cloud's authority is being made by another command", {
    found: `the lock in ${folder} is held`,
    hint: "wait for that command, or end it, and try again",
  });

function keyIsElsewhere(path: string): ImcloudError {
  return new ImcloudError("config.secret-missing", "the authority's key is not here", {
    origin: { file: path, line: 1 },
    found: "its certificate without it",
    expected: "the key that belongs to ca.pem in the same folder",
    hint: "bring the key back for as long as certificates are issued; to start anew, remove ca.pem too",
  });
}

async function webKey(key: KeyObject, usages: ("sign" | "verify")[]): Promise<webcrypto.CryptoKey> {
  const format = key.type === "private" ? "pkcs8" : "spki";
  const bytes = key.export({ type: format, format: "der" } as never) as unknown as Buffer;
  return webcrypto.subtle.importKey(format, bytes, ALGORITHM, true, usages);
}

/** Positive and unguessable: 16 random bytes, the first bit 0. */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}

const pemOf = (certificate: x509.X509Certificate): string => `${certificate.toString("pem").trim()}\n`;
