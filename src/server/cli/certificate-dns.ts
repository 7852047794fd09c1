/**
 * How the TXT record that proves a name comes into the DNS and goes again: by a provider's API, by updates of a DNS
 * server (RFC 2136), or by a program of the operator's.
 */
import { Resolver } from "node:dns/promises";
import { setTimeout as wait } from "node:timers/promises";
import { execa } from "execa";
import type { AcmeConfig, DnsConfig } from "../../shared/acme-config.js";
import { readSecretFile } from "../runtime/secret-file.js";

export interface Records {
  /** @param name with `_acme-challenge.` in front, without a final dot */
  add(name: string, value: string): Promise<void>;
  remove(name: string, value: string): Promise<void>;
}

const HTTP_DEADLINE_MS = 30_000;
const PROGRAM_DEADLINE_MS = 120_000;
/** Between two looks for the record. */
const LOOK_EVERY_MS = 2_000;
/** Of a record that is gone in minutes. */
const TTL_S = 60;

export function recordsOf(dns: DnsConfig): Records {
  switch (dns.kind) {
    case "http":
      return {
        add: (name, value) => ask(dns.add, dns, name, value),
        remove: async (name, value) => {
          if (dns.remove !== undefined) await ask(dns.remove, dns, name, value);
        },
      };
    case "rfc2136":
      return {
        add: (name, value) => update(dns, `update add ${name}. ${TTL_S} TXT "${value}"`),
        remove: (name, value) => update(dns, `update delete ${name}. TXT "${value}"`),
      };
    case "command":
      return {
        add: (name, value) => run([...dns.command, "add", name, value]),
        remove: (name, value) => run([...dns.command, "remove", name, value]),
      };
  }
}

type HttpDns = Extract<DnsConfig, { kind: "http" }>;

/** The answer's text may repeat a token, so no error has it. */
async function ask(
  { url, method, headers, body }: HttpDns["add"],
  { secretFile }: HttpDns,
  name: string,
  value: string,
): Promise<void> {
  const secret = secretFile === undefined ? "" : readSecretFile(secretFile);
  const words: Readonly<Record<string, string>> = { "{name}": name, "{value}": value, "{secret}": secret };
  const filled = (text: string): string =>
    text.replace(/\{(?:name|value|secret)\}/g, (word) => words[word] ?? "");
  const target = new URL(
    url.replace(/\{(?:name|value|secret)\}/g, (word) => encodeURIComponent(words[word] ?? "")),
  );
  const response = await fetch(target, {
    method,
    headers: Object.fromEntries(Object.entries(headers).map(([key, text]) => [key, filled(text)])),
    ...(body !== undefined && { body: filled(body) }),
    signal: AbortSignal.timeout(HTTP_DEADLINE_MS),
  }).catch((error: unknown) => {
    throw new Error(`${target.host} does not answer: ${error instanceof Error ? error.name : "no reason"}`);
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`${target.host} refuses the record ${name}: HTTP ${response.status}`);
}

/** The key goes in by standard input, which nobody else reads. Source: nsupdate(1). */
async function update(
  { server, port, secretFile }: Extract<DnsConfig, { kind: "rfc2136" }>,
  line: string,
): Promise<void> {
  const [, algorithm, name, secret] =
    /^(hmac-[a-z0-9-]+):([\w.-]+):([A-Za-z0-9+/=]+)$/.exec(readSecretFile(secretFile)) ?? [];
  if (algorithm === undefined || name === undefined || secret === undefined)
    throw new Error(`${secretFile} is no TSIG key: \`hmac-sha256:NAME:SECRET\` is allowed`);
  await run(["nsupdate"], `key ${algorithm}:${name} ${secret}\nserver ${server} ${port}\n${line}\nsend\n`);
}

/** @throws Error with what the program said, when it ends with another status than 0, or not in time */
async function run([program = "", ...args]: readonly string[], input = ""): Promise<void> {
  const { failed, exitCode, all } = await execa(program, args, {
    ...{ input, all: true, reject: false, timeout: PROGRAM_DEADLINE_MS },
  });
  if (failed)
    throw new Error(
      `${program} ended with ${exitCode === undefined ? "no status" : `status ${exitCode}`}: ${all}`,
    );
}

/**
 * The authority looks once, and a failed proof counts against its limits.
 * @throws Error when the record is not seen in time
 */
export async function untilSeen(
  name: string,
  value: string,
  { resolver: server, waitS }: Pick<AcmeConfig, "resolver" | "waitS">,
): Promise<void> {
  const resolver = new Resolver();
  if (server !== undefined) resolver.setServers([server]);
  for (const deadline = Date.now() + waitS * 1_000; ;) {
    const found = await resolver.resolveTxt(name).catch((error: NodeJS.ErrnoException) => error);
    if (Array.isArray(found) && found.some((parts) => parts.join("") === value)) return;
    if (Date.now() > deadline) {
      const instead = Array.isArray(found) ? "another value" : (found.code ?? found.message);
      throw new Error(`the record ${name} was not seen within ${waitS} s: ${instead}`);
    }
    await wait(LOOK_EVERY_MS);
  }
}
