/**
 * `certificate`: has the certificate of `acme` issued, or renewed when a third of its time is left. A timer runs it
 * every day; the server reads the new one at its next SIGHUP.
 *
 * Only DNS can prove a name whose board nobody outside reaches. Names are proved one after the other: two proofs of one
 * name (itself and its wildcard) are two records of one name.
 *
 * Source: RFC 8555, sections 7.4 and 8.4. The third: Let's Encrypt's "Integration Guide", "When to Renew".
 */
import { X509Certificate, createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { Client, crypto, type Authorization } from "acme-client";
import type { AcmeConfig } from "../../shared/acme-config.js";
import type { ServerConfig } from "../../shared/server-config.js";
import { ConfigError } from "../load-config.js";
import { accountKey, liveCertificate, putLive } from "./certificate-files.js";
import { recordsOf, untilSeen, type Records } from "./certificate-dns.js";

/** Of a certificate's time, what is left when it is renewed. */
const RENEW_AT = 1 / 3;

/**
 * @returns what there is to be said of it, on one line
 * @throws Error when the authority, the DNS or the disk refuses; the certificate in use stays as it is
 */
export async function keepCertificate(
  { acme, store }: Pick<ServerConfig, "acme" | "store">,
  now: Date,
): Promise<string> {
  if (acme === undefined) throw new ConfigError("the configuration has no `acme`: no certificate is kept");
  const folder = acme.folder ?? (store.kind === "sqlite" ? join(dirname(store.path), "acme") : undefined);
  if (folder === undefined)
    throw new ConfigError("`acme.folder` has to be named where the store is PostgreSQL");
  const live = await liveCertificate(folder);
  if (live !== undefined && live.order === orderOf(acme) && !isDue(live.certificate, now))
    return `good until ${dayOf(live.certificate)}, for ${acme.names.join(", ")}`;
  const issued = await issue(acme, folder);
  await putLive(folder, { ...issued, order: orderOf(acme) });
  return `issued, good until ${dayOf(new X509Certificate(issued.chain))}, for ${acme.names.join(", ")}`;
}

/** What a certificate was asked for with: another order is another certificate. */
const orderOf = ({ directory, names }: AcmeConfig): string =>
  createHash("sha256")
    .update(JSON.stringify([directory, names.toSorted()]))
    .digest("hex");

function isDue({ validFrom, validTo }: X509Certificate, now: Date): boolean {
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  return to - now.getTime() < (to - from) * RENEW_AT;
}

const dayOf = ({ validTo }: X509Certificate): string => new Date(validTo).toISOString().slice(0, 10);

interface Issued {
  /** PEM, the board's own certificate first. */
  readonly chain: string;
  readonly key: string;
}

async function issue(acme: AcmeConfig, folder: string): Promise<Issued> {
  const client = new Client({ directoryUrl: acme.directory, accountKey: await accountKey(folder) });
  await logIn(client, acme);
  const order = await client.createOrder({
    identifiers: acme.names.map((value) => ({ type: "dns", value })),
  });
  const records = recordsOf(acme.dns);
  for (const authorization of await client.getAuthorizations(order)) {
    if (authorization.status === "valid") continue;
    await prove(client, authorization, records, acme);
  }
  const [key, csr] = await crypto.createCsr(
    { altNames: [...acme.names] },
    await crypto.createPrivateEcdsaKey(),
  );
  const chain = await client.getCertificate(await client.finalizeOrder(order, csr));
  return { chain, key: key.toString() };
}

/**
 * With the account that the key has; made when it has none yet. Asked for at once, a known account would be sent an
 * update that changes nothing, which not every authority takes.
 */
async function logIn(client: Client, { email }: AcmeConfig): Promise<void> {
  const isKnown = await client.createAccount({ onlyReturnExisting: true }).then(
    () => true,
    () => false, // whatever else the reason is, the next request meets it too, and says so
  );
  if (isKnown) return;
  await client.createAccount({
    termsOfServiceAgreed: true,
    ...(email !== undefined && { contact: [`mailto:${email}`] }),
  });
}

async function prove(
  client: Client,
  authorization: Authorization,
  records: Records,
  acme: AcmeConfig,
): Promise<void> {
  const name = authorization.identifier.value;
  const challenge = authorization.challenges.find(({ type }) => type === "dns-01");
  if (challenge === undefined) throw new Error(`the authority takes no proof of ${name} by DNS`);
  const record = `_acme-challenge.${name}`;
  const value = await client.getChallengeKeyAuthorization(challenge);
  await records.add(record, value);
  try {
    await untilSeen(record, value, acme);
    await client.completeChallenge(challenge);
    await client.waitForValidStatus(challenge);
  } finally {
    await records.remove(record, value);
  }
}
