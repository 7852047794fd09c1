/**
 * How the operator's npm reaches the registry: from where, through which proxy, trusting whom.
 *
 * npm's library takes these as options and reads no configuration by itself; npm prints what it has put together
 * of its files and the environment. A company's registry often has a certificate that only npm was told about.
 * Source: npm documentation, "config"; README of npm-registry-fetch, "fetch options".
 */
import { readFile } from "node:fs/promises";
import { z } from "zod";

/** As npm names them; what it leaves at its default is null. Logins are not printed. */
const Config = z.looseObject({
  registry: z.string(),
  cafile: z.string().nullish(),
  ca: z.union([z.string(), z.array(z.string())]).nullish(),
  proxy: z.union([z.string(), z.literal(false)]).nullish(),
  "https-proxy": z.string().nullish(),
  noproxy: z.array(z.string()).nullish(),
  "strict-ssl": z.boolean().default(true),
});

export interface NpmSettings {
  readonly registry?: string;
  /** Certificates, PEM. */
  readonly ca?: string[];
  readonly proxy?: string;
  readonly httpsProxy?: string;
  readonly noProxy?: string[];
  readonly strictSSL?: boolean;
  /** `@scope:registry` */
  readonly [scope: `@${string}:registry`]: string;
}

/** @returns options for npm's library; none without npm: the public registry then */
export async function npmSettings(): Promise<NpmSettings> {
  const { execa } = await import("execa");
  const { stdout, exitCode } = await execa("npm", ["config", "list", "--json"], {
    reject: false,
    timeout: 20_000,
  });
  return exitCode === 0 ? settingsOf(JSON.parse(stdout)) : {};
}

/**
 * @param config what `npm config list --json` prints
 * @throws ZodError for what npm does not print; the error of reading `cafile`
 */
export async function settingsOf(config: unknown): Promise<NpmSettings> {
  const { registry, cafile, ca, proxy, noproxy, "https-proxy": httpsProxy, ...rest } = Config.parse(config);
  const certificates =
    cafile === null || cafile === undefined
      ? [ca ?? []].flat()
      : certificatesOf(await readFile(cafile, "utf8"));
  const noProxy = (noproxy ?? []).filter((host) => host !== "");
  return {
    registry,
    strictSSL: rest["strict-ssl"],
    ...(certificates.length > 0 && { ca: certificates }),
    ...(typeof proxy === "string" && { proxy }),
    ...(typeof httpsProxy === "string" && { httpsProxy }),
    ...(noProxy.length > 0 && { noProxy }),
    ...Object.fromEntries(
      Object.entries(rest).filter(
        ([name, value]) => /^@.+:registry$/.test(name) && typeof value === "string",
      ),
    ),
  };
}

const certificatesOf = (pem: string): string[] =>
  pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
