/**
 * `vars: { tls: {...} }`: who vouches for the IM server. Without it the cloud's own authority does; with `files` whoever
 * issued them, with `acme` an authority that the server asks itself, with `proxy` whatever stands before it.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { z } from "zod";
import { ImcloudError, type Origin } from "../shared/errors.js";
import { Secret } from "../shared/secret.js";
import { Acme, type AcmeConfig } from "../shared/acme-config.js";

const SECRET_FILE = "/etc/imcloud/secrets/acme";
/** The operator's secret with which records come into the DNS. */
export const ACME_SECRET = "acme_dns";
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/;

const Path = z.string().min(1);
const Tls = z
  .strictObject({
    files: z.strictObject({ certificate: Path, key: Path }).optional(),
    proxy: z
      .strictObject({
        address: z.string().min(1).default("127.0.0.1"),
        trust: z.array(z.string().min(1)).default(["127.0.0.1"]),
      })
      .optional(),
    /** Checked by the server's own schema, but for `ca`. */
    acme: z
      .looseObject({
        dns: z.looseObject({ kind: z.string().optional() }).optional(),
        ca: Path.optional(),
      })
      .optional(),
  })
  .refine((given) => Object.keys(given).length <= 1, "one of `files`, `acme` and `proxy`");

export interface TlsSource {
  /** Of `files`: the board's own certificate first, PEM; and its key. */
  readonly files: { readonly chain: string; readonly key: Secret } | null;
  /** As the server's configuration has it. */
  readonly acme: AcmeConfig | null;
  readonly proxy: { readonly address: string; readonly trust: readonly string[] } | null;
  /** Of `acme`: who vouches for an authority of one's own, PEM; empty where everybody knows it. */
  readonly ca: string;
  /** How records come into the DNS for `acme`; empty without. */
  readonly dns: AcmeConfig["dns"]["kind"] | "";
  /** Whether records come into the DNS with the secret `acme_dns`. */
  readonly needsSecret: boolean;
  /** A name that clients may know the server by; undefined where the certificate names none. */
  readonly host: string | undefined;
}

const NONE: TlsSource = {
  ...{ files: null, acme: null, proxy: null, host: undefined },
  ...{ ca: "", dns: "", needsSecret: false },
};

/**
 * @param value the variable
 * @param folder that of imcloud.yaml, in which files are looked for
 * @param origin of whoever has the variable
 * @throws ImcloudError `config.invalid`, `config.unreadable`; no key stands in it
 */
export async function readTls(value: unknown, folder: string, origin: Origin): Promise<TlsSource> {
  const { files, acme, proxy } = checked(Tls, value ?? {}, ["tls"], origin);
  if (proxy !== undefined) return { ...NONE, proxy };
  if (files !== undefined) return { ...NONE, ...(await readFiles(files, folder, origin)) };
  if (acme === undefined) return NONE;
  const { ca, ...asked } = acme;
  const needsSecret =
    asked.dns?.kind === "rfc2136" ||
    (asked.dns?.kind === "http" && JSON.stringify(asked.dns).includes("{secret}"));
  const whole = checked(
    Acme,
    { ...asked, dns: { ...asked.dns, ...(needsSecret && { secretFile: SECRET_FILE }) } },
    ["tls", "acme"],
    origin,
  );
  return {
    ...{ ...NONE, acme: whole, dns: whole.dns.kind, needsSecret, host: whole.names.find(isOneHost) },
    ca: ca === undefined ? "" : await readAuthority(resolve(folder, ca), origin),
  };
}

function checked<T>(schema: z.ZodType<T>, value: unknown, path: readonly string[], origin: Origin): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = ["vars", ...path, ...(issue?.path ?? [])].map(String).join(".");
  throw new ImcloudError("config.invalid", `\`${place}\` is not what is allowed there`, {
    origin,
    ...(issue !== undefined && { expected: issue.message }),
    hint: "docs/certificates.md has each form",
  });
}

async function readFiles(
  { certificate, key }: { readonly certificate: string; readonly key: string },
  folder: string,
  origin: Origin,
): Promise<Pick<TlsSource, "files" | "host">> {
  const [chain, secret] = [
    await read(resolve(folder, certificate), origin),
    await read(resolve(folder, key), origin),
  ];
  const first = certificateIn(chain);
  if (first === undefined) {
    throw new ImcloudError("config.invalid", `\`${certificate}\` has no certificate that can be read`, {
      origin,
      expected: "PEM, the server's own certificate first, then those that vouch for it",
      hint: "give the full chain: `fullchain.pem` of most authorities",
    });
  }
  if (!isKeyOf(secret, first)) {
    throw new ImcloudError("config.invalid", `\`${key}\` is not the key of \`${certificate}\``, {
      origin,
      expected: "the private key that the first certificate was made with, PEM, without a passphrase",
      hint: "look whether both are of the same day",
    });
  }
  if (Date.parse(first.validTo) < Date.now()) {
    throw new ImcloudError("config.invalid", `\`${certificate}\` has expired`, {
      origin,
      found: `good until ${new Date(first.validTo).toISOString().slice(0, 10)}`,
      hint: "renew it, then run `imcloud apply` again",
    });
  }
  const names = (first.subjectAltName ?? "")
    .split(", ")
    .flatMap((entry) => /^DNS:(.+)$/.exec(entry)?.[1] ?? []);
  return { files: { chain, key: new Secret(secret) }, host: names.find(isOneHost) };
}

async function readAuthority(path: string, origin: Origin): Promise<string> {
  const text = await read(path, origin);
  if (certificateIn(text) !== undefined) return text;
  throw new ImcloudError("config.invalid", `${path} has no certificate that can be read`, {
    origin,
    expected: "PEM: the certificate that vouches for the authority's own address",
    hint: "see `vars.tls.acme.ca`; leave it out for an authority that everybody knows",
  });
}

const isOneHost = (name: string): boolean => !name.startsWith("*.");

async function read(path: string, origin: Origin): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new ImcloudError("config.unreadable", `${path} cannot be read`, {
      origin,
      found: (cause as NodeJS.ErrnoException).code ?? "no reason",
      hint: "see `vars.tls.files`: paths are beside imcloud.yaml or absolute",
      cause,
    });
  }
}

function certificateIn(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(CERTIFICATE.exec(text)?.[0] ?? "");
  } catch {
    return undefined;
  }
}

function isKeyOf(key: string, certificate: X509Certificate): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
