/**
 * Each board's own certificate, issued when it is first needed and again 30 days before its end or when the
 * board has a new name or address. Kept beside imcloud.yaml, so that a plan that changes nothing shows nothing.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { join } from "node:path";
import { Secret } from "../shared/secret.js";
import { readOptional, writePrivate } from "../files/operator-files.js";
import { type Workspace } from "./workspace.js";

const DAY_MS = 24 * 60 * 60 * 1000;
/** A certificate that ends sooner than this is replaced. */
export const RENEW_DAYS = 30;
/** Domains of home networks, which the authority vouches for besides the server name. */
const HOME_DOMAINS = ["local", "home.arpa", "localhost"];

export interface BoardCertificate {
  /** PEM: the board's certificate, then the authority's. */
  readonly chain: string;
  readonly key: Secret;
}

export interface CertificateWish {
  readonly board: string;
  readonly serverName: string;
  /** Further names and addresses under which clients may come. */
  readonly names: readonly string[];
  readonly passphrase: Secret | undefined;
}

/** @throws ImcloudError `config.secret-missing` when the authority's key cannot be opened */
export async function boardCertificate(
  { authority, certificates }: Workspace,
  { board, serverName, names, passphrase }: CertificateWish,
): Promise<BoardCertificate> {
  const chainPath = join(certificates, `${board}.pem`);
  const keyPath = join(certificates, `${board}.key`);
  const wanted = certifiable([serverName, ...names], serverName);
  const chain = await readOptional(chainPath);
  const key = await readOptional(keyPath);
  const issuer = await readOptional(join(authority, "ca.pem"));
  if (chain !== undefined && key !== undefined && isStillGood(chain, wanted, new Date())) {
    // Two commands that issue at once may each have left one of the two files; an authority may have been made anew.
    const isPair = new X509Certificate(chain).checkPrivateKey(createPrivateKey(key));
    const isOfOurs = chain.trimEnd().endsWith((issuer ?? "").trim());
    if (isPair && isOfOurs) return { chain, key: new Secret(key) };
  }
  // Its library takes a moment to load, and most runs issue nothing.
  const { openAuthority } = await import("./authority.js");
  const issued = await (await openAuthority(authority, serverName, passphrase)).issue(wanted);
  await writePrivate(keyPath, issued.key.reveal());
  await writePrivate(chainPath, issued.chain);
  return issued;
}

/** Names that the authority may vouch for; a single other one would make the whole certificate invalid. */
export function certifiable(names: readonly string[], serverName: string): string[] {
  const domains = [serverName, ...HOME_DOMAINS];
  const isOurs = (name: string): boolean =>
    domains.some((domain) => name === domain || name.endsWith(`.${domain}`));
  // A zone (`fe80::1%eth0`) is an interface of the operator's machine, which says nothing to anybody else.
  return [...new Set(names)].filter((name) =>
    isIP(name) > 0 ? isPrivate(name) && !name.includes("%") : isOurs(name),
  );
}

/** Whether a certificate has time left and carries all the names. */
export function isStillGood(chain: string, names: readonly string[], now: Date): boolean {
  const certificate = new X509Certificate(chain);
  const endsAt = Date.parse(certificate.validTo);
  const carries = (name: string): boolean =>
    (isIP(name) > 0 ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined;
  return endsAt - now.getTime() > RENEW_DAYS * DAY_MS && names.every(carries);
}

function isPrivate(address: string): boolean {
  if (isIP(address) === 6) return /^(?:f[cd]|fe[89ab]|::1$)/i.test(address);
  const [a = 0, b = 0] = address.split(".").map(Number);
  const isHomeRange = a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168);
  return isHomeRange || a === 127 || (a === 169 && b === 254);
}
