/**
 * What ACME leaves on the disk: the account's key, a folder for each certificate, and `live`, a link to the one in use.
 * Certificate and key change together, by the link, so that a server that starts at any moment finds a pair.
 */
import { randomUUID, X509Certificate } from "node:crypto";
import { mkdir, open, readFile, readdir, readlink, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { crypto } from "acme-client";
import { syncFolder } from "../runtime/files.js";

const LIVE = "live";

export interface Live {
  /** PEM, the board's own certificate first. */
  readonly chain: string;
  readonly key: string;
  /** What it was asked for with. */
  readonly order: string;
}

/** @returns the account's private key, PEM; made when there is none */
export async function accountKey(folder: string): Promise<Buffer> {
  const path = join(folder, "account.key");
  const known = await readIfThere(path);
  if (known !== undefined) return Buffer.from(known);
  const key = await crypto.createPrivateEcdsaKey();
  await mkdir(folder, { recursive: true, mode: 0o750 });
  await writeDurably(`${path}.new`, key.toString());
  await rename(`${path}.new`, path);
  return key;
}

/** @returns the certificate in use; undefined when there is none, or none that was asked for here */
export async function liveCertificate(
  folder: string,
): Promise<{ readonly certificate: X509Certificate; readonly order: string } | undefined> {
  const order = await readIfThere(join(folder, LIVE, "order"));
  const chain = await readIfThere(join(folder, LIVE, "cert.pem"));
  if (order === undefined || chain === undefined) return undefined;
  return { certificate: new X509Certificate(chain), order };
}

/** From here on the server's next start or reload finds it; older ones go, but for the one before. */
export async function putLive(folder: string, { chain, key, order }: Live): Promise<void> {
  const name = `of-${new Date().toISOString().slice(0, 10)}-${randomUUID().slice(0, 8)}`;
  await mkdir(join(folder, name), { recursive: true, mode: 0o750 });
  await writeDurably(join(folder, name, "key.pem"), key);
  await writeDurably(join(folder, name, "cert.pem"), chain);
  await writeDurably(join(folder, name, "order"), order);
  await syncFolder(join(folder, name));
  const before = await readlink(join(folder, LIVE)).catch(ifThere);
  await rm(join(folder, `${LIVE}.new`), { force: true });
  await symlink(name, join(folder, `${LIVE}.new`));
  await rename(join(folder, `${LIVE}.new`), join(folder, LIVE));
  await syncFolder(folder);
  for (const old of await readdir(folder)) {
    if (old.startsWith("of-") && old !== name && old !== before)
      await rm(join(folder, old), { recursive: true });
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(ifThere);
}

function ifThere(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
