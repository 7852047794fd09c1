/**
 * The certificate of a cloud's own authority, as people meet it: the file that they install, and the fingerprint that
 * they compare.
 */
import { createHash, X509Certificate } from "node:crypto";

export interface AuthorityCertificate {
  /** What devices list it under. */
  readonly name: string;
  readonly der: Buffer;
  /** Of this certificate alone, whatever else stood beside it. */
  readonly pem: string;
  /** SHA-256 of {@link der}, in capital hexadecimal digits. */
  readonly sha256: string;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const PAIRS_PER_LINE = 8;

/**
 * Made anew from the certificate's bytes: a key that lies in the same file is never handed out.
 *
 * @throws Error when the text has no certificate, or one that vouches for nobody; none of the text stands in it
 */
export function readAuthorityCertificate(text: string): AuthorityCertificate {
  const found = text.match(CERTIFICATE) ?? [];
  if (found.length !== 1) throw new Error(`one certificate is expected, in PEM; there are ${found.length}`);
  const certificate = parse(found[0] ?? "");
  if (!certificate.ca) throw new Error("the certificate is none of an authority");
  const der = Buffer.from(certificate.raw);
  return {
    name: /^CN=(.+)$/m.exec(certificate.subject)?.[1] ?? "imcloud",
    der,
    pem: `-----BEGIN CERTIFICATE-----\n${(der.toString("base64").match(/.{1,64}/g) ?? []).join("\n")}\n-----END CERTIFICATE-----\n`,
    sha256: createHash("sha256").update(der).digest("hex").toUpperCase(),
  };
}

function parse(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new Error("the certificate cannot be read", { cause });
  }
}

/**
 * A fingerprint for people to compare, pair by pair as phones and browsers show it: four lines.
 *
 * @example fingerprintLines("3F2A…")[0] // "3F 2A 9C 01 77 B0 4D E6"
 */
export function fingerprintLines(sha256: string): readonly string[] {
  const pairs = sha256.match(/../g) ?? [];
  return Array.from({ length: pairs.length / PAIRS_PER_LINE }, (_, line) =>
    pairs.slice(line * PAIRS_PER_LINE, (line + 1) * PAIRS_PER_LINE).join(" "),
  );
}
