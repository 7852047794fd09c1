/**
 * A certificate for real names: from Pebble, the ACME server that Let's Encrypt's makers test with, which looks for its
 * proofs in a DNS server of the test: BIND, or Pebble's own, which stands for a provider with an API.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { Resolver } from "node:dns/promises";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AcmeConfig } from "../../src/shared/acme-config.js";
import { BUN, SERVER } from "../bench/server-process.js";
import { issueCertificate, selfSigned } from "./certificate.js";
import { freePort } from "./listening.js";
import { Services } from "./pebble.js";

const SECRET = "Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LWNhbmFyeQ==";
const folder = mkdtempSync(join(tmpdir(), "imcloud-acme-"));
const at = (...names: string[]) => join(folder, ...names);
const write = (name: string, text: string): string => {
  writeFileSync(at(name), text, { mode: 0o600 });
  return at(name);
};
const services = new Services();
let caFile = "";
let bind = 0;
let provider = { dns: 0, api: 0 };
/** Directories of two Pebbles: one looks in BIND, one in the provider's DNS. */
let directories = { bind: "", provider: "" };

beforeAll(async () => {
  const certificate = await issueCertificate(folder);
  caFile = certificate.caFile;
  bind = await freePort();
  write("zone", "$TTL 60\n@ SOA ns hostmaster 1 60 60 60 60\n@ NS ns\nns A 127.0.0.1\n@ A 127.0.0.1\n");
  const named = write(
    "named.conf",
    `options { directory "${folder}"; listen-on port ${bind} { 127.0.0.1; }; listen-on-v6 { none; }; recursion no;
  pid-file "named.pid"; session-keyfile "session.key"; };
controls {};
key imcloud { algorithm hmac-sha256; secret "${SECRET}"; };
zone "chat.example" { type primary; file "zone"; allow-update { key imcloud; }; };
`,
  );
  const { dns, api } = await services.provider("127.0.0.1");
  provider = { dns, api };
  await services.start(bind, "/usr/sbin/named", ["-g", "-c", named]);
  const pebble = (dnsPort: number) =>
    services.pebble(folder, "127.0.0.1", dnsPort, certificate.chainAndKeyFile);
  directories = { bind: await pebble(bind), provider: await pebble(provider.dns) };
});
afterAll(async () => {
  await services.stop();
  rmSync(folder, { recursive: true });
});

interface Ended {
  readonly code: number;
  readonly said: string;
}

/** @param name of the folder in which this certificate is kept */
async function keep(name: string, acme: Partial<AcmeConfig>): Promise<Ended> {
  const config = write(
    `${name}.config.json`,
    JSON.stringify({
      serverName: "chat.example",
      listeners: [{ address: "127.0.0.1", port: 1 }],
      publicBaseUrl: "https://chat.example",
      store: { kind: "sqlite", path: at("none.sqlite") },
      acme: { folder: at(name), names: ["chat.example"], waitS: 20, ...acme },
    }),
  );
  const child = Bun.spawn([BUN, SERVER, "certificate", "--config", config], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: caFile },
    stdout: "pipe",
    stderr: "pipe",
  });
  const said = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, said: said.join("") };
}
const live = (name: string, file: string): string => readFileSync(at(name, "live", file), "utf8");
const certificateOf = (name: string) => new X509Certificate(live(name, "cert.pem"));

const withBind = (): Partial<AcmeConfig> => ({
  directory: directories.bind,
  resolver: `127.0.0.1:${bind}`,
  dns: {
    ...{ kind: "rfc2136", server: "127.0.0.1", port: bind },
    secretFile: write("tsig", `hmac-sha256:imcloud:${SECRET}\n`),
  },
});
const withProvider = (names: string[]): Partial<AcmeConfig> => ({
  directory: directories.provider,
  names,
  resolver: `127.0.0.1:${provider.dns}`,
  dns: {
    kind: "http",
    add: {
      ...{ url: `http://127.0.0.1:${provider.api}/set-txt`, method: "POST" },
      headers: { authorization: "Bearer {secret}" },
      body: '{"host":"{name}.","value":"{value}"}',
    },
    remove: {
      ...{ url: `http://127.0.0.1:${provider.api}/clear-txt`, method: "POST", headers: {} },
      body: '{"host":"{name}."}',
    },
    secretFile: write("token", "canary-token\n"),
  },
});

test("a certificate comes by updates of a DNS server, for a name and all below it, and the records go again", async () => {
  const names = ["chat.example", "*.chat.example"];
  const first = await keep("one", { ...withBind(), names });
  expect(first.said).toMatch(/^issued, good until \d{4}-\d\d-\d\d, for chat/);
  expect(first.code).toBe(0);
  expect(certificateOf("one").subjectAltName?.split(", ").toSorted()).toEqual([
    "DNS:*.chat.example",
    "DNS:chat.example",
  ]);
  expect(live("one", "cert.pem").match(/BEGIN CERTIFICATE/g)?.length).toBeGreaterThan(1);
  expect(certificateOf("one").checkPrivateKey(createPrivateKey(live("one", "key.pem")))).toBe(true);
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${bind}`]);
  expect(await resolver.resolveTxt("_acme-challenge.chat.example").catch(() => "gone")).toBe("gone");

  // Nothing is asked for again before it is time; another name is.
  const before = live("one", "cert.pem");
  const again = await keep("one", { ...withBind(), names });
  expect(again.said).toStartWith("good until");
  expect(again.code).toBe(0);
  expect(live("one", "cert.pem")).toBe(before);
  expect((await keep("one", { ...withBind(), names: ["chat.example"] })).code).toBe(0);
  expect(certificateOf("one").subjectAltName).toBe("DNS:chat.example");
});

test("one by a provider's API; it is renewed when a third of its time is left, with the same account", async () => {
  expect(await keep("two", withProvider(["board.chat.example"]))).toMatchObject({ code: 0 });
  const account = readFileSync(at("two", "account.key"), "utf8");

  const day = 24 * 3_600_000;
  const old = async (daysLeft: number) => {
    const from = new Date(Date.now() - (90 - daysLeft) * day);
    return (await selfSigned({ from, until: new Date(Date.now() + daysLeft * day) })).certificate;
  };
  writeFileSync(at("two", "live", "cert.pem"), await old(31));
  expect((await keep("two", withProvider(["board.chat.example"]))).said).toStartWith("good until");
  writeFileSync(at("two", "live", "cert.pem"), await old(29));
  expect((await keep("two", withProvider(["board.chat.example"]))).said).toStartWith("issued");
  expect(certificateOf("two").subjectAltName).toBe("DNS:board.chat.example");
  expect(readFileSync(at("two", "account.key"), "utf8")).toBe(account);
  // The one before stays, for a server that has not read the new one yet.
  expect(readdirSync(at("two")).filter((name) => name.startsWith("of-"))).toHaveLength(2);
});

test("by a program of one's own", async () => {
  const script = write(
    "hook",
    `#!/bin/sh
[ "$1" = add ] && path=set-txt || path=clear-txt
exec ${BUN} -e 'await fetch("http://127.0.0.1:${provider.api}/" + process.argv[1], { method: "POST", body: JSON.stringify({ host: process.argv[2] + ".", value: process.argv[3] }) })' "$path" "$2" "$3"
`,
  );
  chmodSync(script, 0o700);
  const dns: AcmeConfig["dns"] = { kind: "command", command: [script] };
  expect(await keep("three", { ...withProvider(["hook.chat.example"]), dns })).toMatchObject({ code: 0 });
  expect(certificateOf("three").subjectAltName).toBe("DNS:hook.chat.example");
});

test.each<[string, () => Partial<AcmeConfig>, RegExp]>([
  [
    "a key that the DNS server does not know",
    () => ({
      ...withBind(),
      dns: {
        ...{ kind: "rfc2136", server: "127.0.0.1", port: bind },
        secretFile: write("wrong", `hmac-sha256:other:${SECRET}\n`),
      },
    }),
    /nsupdate ended with status 2: .*NOTAUTH/s,
  ],
  [
    "a key that is none",
    () => ({
      ...withBind(),
      dns: {
        ...{ kind: "rfc2136", server: "127.0.0.1", port: bind },
        secretFile: write("none", `${SECRET}\n`),
      },
    }),
    /none is no TSIG key: `hmac-sha256:NAME:SECRET` is allowed/,
  ],
  [
    "a provider that is not there",
    () => {
      const acme = withProvider(["board.chat.example"]);
      const dns = acme.dns as Extract<AcmeConfig["dns"], { kind: "http" }>;
      return { ...acme, dns: { ...dns, add: { ...dns.add, url: "http://127.0.0.1:1/{secret}" } } };
    },
    /^127\.0\.0\.1:1 does not answer: /,
  ],
  [
    "a provider that refuses",
    () => {
      const acme = withProvider(["board.chat.example"]);
      const dns = acme.dns as Extract<AcmeConfig["dns"], { kind: "http" }>;
      return {
        ...acme,
        dns: { ...dns, add: { ...dns.add, url: `http://127.0.0.1:${provider.api}/no/{secret}` } },
      };
    },
    /refuses the record _acme-challenge\.board\.chat\.example: HTTP 404/,
  ],
  [
    "a record that nobody sees",
    () => ({
      ...withProvider(["board.chat.example"]),
      ...{ dns: { kind: "command", command: ["true"] }, waitS: 1 },
    }),
    /_acme-challenge\.board\.chat\.example was not seen within 1 s/,
  ],
  [
    "a program that fails",
    () => ({ ...withProvider(["board.chat.example"]), dns: { kind: "command", command: ["false"] } }),
    /^false ended with status 1/,
  ],
  [
    "an authority that is none",
    () => ({ ...withBind(), directory: directories.bind.replace(/dir$/, "nothing") }),
    /404/,
  ],
])("%s is said, without a secret, and the certificate in use stays", async (_title, acme, message) => {
  const name = "kept";
  mkdirSync(at(name, "of-before"), { recursive: true });
  rmSync(at(name, "live"), { force: true });
  symlinkSync("of-before", at(name, "live"));
  const { code, said } = await keep(name, acme());
  expect(said).toMatch(message);
  expect(code).toBe(69);
  for (const secret of ["canary", SECRET]) expect(said).not.toContain(secret);
  expect(readlinkSync(at(name, "live"))).toBe("of-before");
});
