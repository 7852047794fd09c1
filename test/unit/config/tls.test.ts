/** Who vouches for the IM server, as a board's variables say it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readTls } from "../../../src/config/tls.js";
import { ImcloudError } from "../../../src/shared/errors.js";
import { selfSigned } from "../../server/certificate.js";
import { resolveShipped, factsOf } from "../playbook/shipped.js";

const ORIGIN = { file: "imcloud.yaml", line: 4, key: "boards.attic" };
const folder = mkdtempSync(join(tmpdir(), "imcloud-tls-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function certificate(name: string, names: readonly string[], until: Date): Promise<void> {
  const made = await selfSigned({ names, from: new Date("2026-01-01"), until });
  writeFileSync(join(folder, `${name}.pem`), made.certificate);
  writeFileSync(join(folder, `${name}.key`), made.key);
}
beforeAll(async () => {
  const later = new Date(Date.now() + 90 * 86_400_000);
  await certificate("chat", ["*.chat.example", "chat.example"], later);
  await certificate("other", ["other.example"], later);
  await certificate("old", ["chat.example"], new Date("2026-02-01"));
});

const read = (value: unknown) => readTls(value, folder, ORIGIN);
async function refusal(value: unknown): Promise<ImcloudError> {
  const error = await read(value).catch((reason: unknown) => reason);
  return error instanceof ImcloudError ? error : expect.fail(`no error of ours: ${String(error)}`);
}

test("nothing said is the cloud's own authority", async () => {
  for (const value of [undefined, {}])
    expect(await read(value)).toEqual({
      ...{ files: null, acme: null, proxy: null, ca: "", dns: "", needsSecret: false },
      host: undefined,
    });
});

test("files come with their key as a secret, and the name that clients know", async () => {
  const { files, host } = await read({ files: { certificate: "chat.pem", key: join(folder, "chat.key") } });
  expect(host).toBe("chat.example");
  expect(files?.chain).toBe(readFileSync(join(folder, "chat.pem"), "utf8"));
  expect(files?.key.reveal()).toBe(readFileSync(join(folder, "chat.key"), "utf8"));
  expect(JSON.stringify(files)).not.toContain("PRIVATE");
});

describe("ACME", () => {
  const names = ["*.chat.example", "chat.example"];
  const add = { url: "https://dns.example/{name}", headers: { authorization: "Bearer {secret}" } };

  test("has the server's own defaults, and a secret where records need one", async () => {
    const { acme, dns, needsSecret, host } = await read({ acme: { names, dns: { kind: "http", add } } });
    expect([dns, needsSecret, host]).toEqual(["http", true, "chat.example"]);
    expect(acme).toMatchObject({
      directory: "https://acme-v02.api.letsencrypt.org/directory",
      dns: { secretFile: "/etc/imcloud/secrets/acme", add: { method: "POST" } },
    });
    const plain = { kind: "http", add: { url: "https://dns.example/{name}" } };
    expect((await read({ acme: { names, dns: plain } })).needsSecret).toBe(false);
    expect((await read({ acme: { names, dns: { kind: "rfc2136", server: "10.0.0.1" } } })).needsSecret).toBe(
      true,
    );
  });
});

test.each<[string, unknown, RegExp]>([
  [
    "an authority that is none",
    { acme: { names: ["chat.example"], ca: "chat.key", dns: { kind: "command", command: ["x"] } } },
    /has no certificate that can be read/,
  ],
  ["two at once", { proxy: {}, acme: { names: ["a.example"] } }, /`vars\.tls`/],
  ["a word that is none", { letsencrypt: true }, /`vars\.tls`/],
  ["no name", { acme: { names: [], dns: { kind: "command", command: ["x"] } } }, /`vars\.tls\.acme\.names`/],
  ["a name of the LAN", { acme: { names: ["chat"], dns: { kind: "command", command: ["x"] } } }, /names\.0/],
  ["no DNS", { acme: { names: ["chat.example"] } }, /`vars\.tls\.acme\.dns/],
  ["DNS of no known kind", { acme: { names: ["chat.example"], dns: { kind: "carrier-pigeon" } } }, /dns/],
  [
    "files that are not there",
    { files: { certificate: "none.pem", key: "chat.key" } },
    /none\.pem cannot be read/,
  ],
  [
    "no certificate",
    { files: { certificate: "chat.key", key: "chat.key" } },
    /`chat\.key` has no certificate/,
  ],
  [
    "another's key",
    { files: { certificate: "chat.pem", key: "other.key" } },
    /is not the key of `chat\.pem`/,
  ],
])("%s is refused, with the place, and without a key", async (_title, value, message) => {
  const error = await refusal(value);
  expect(error.message).toMatch(message);
  expect(error.details.origin).toEqual(ORIGIN);
  expect(error.details.hint).toBeDefined();
  expect(JSON.stringify([error.message, error.details])).not.toContain("PRIVATE");
});

test("a certificate that has expired is refused", async () => {
  expect((await refusal({ files: { certificate: "old.pem", key: "old.key" } })).message).toMatch(
    /has expired/,
  );
});

describe("on the board", () => {
  const serverJson = async (tls: object): Promise<Readonly<Record<string, unknown>>> => {
    const items = await resolveShipped(factsOf("raspios-bookworm.txt"), ["imserver"], {}, undefined, tls);
    const file = items
      .flatMap((item) =>
        item.kind === "resource" ? [item.resource.desired as { path?: string; content?: string }] : [],
      )
      .find(({ path }) => path === "/etc/imcloud/server.json");
    return JSON.parse(file?.content ?? "") as Readonly<Record<string, unknown>>;
  };

  test("a proxy is served without TLS, and believed who the client is", async () => {
    const { listeners, rateLimits } = await serverJson(await read({ proxy: {} }));
    expect(listeners).toEqual([
      { address: "127.0.0.1", port: 8448, allowPlainHttp: true },
      { address: "127.0.0.1", port: 8008 },
    ]);
    expect(rateLimits).toEqual({ trustedProxies: ["127.0.0.1"] });
  });

  test("with ACME the certificate in use is the one that renews itself", async () => {
    const source = await read({
      acme: { names: ["chat.example"], dns: { kind: "rfc2136", server: "10.0.0.1" } },
    });
    const { listeners, acme } = await serverJson(source);
    expect(listeners).toMatchObject([
      { tls: { certFile: "/var/lib/imcloud-server/acme/live/cert.pem" } },
      { port: 8008 },
    ]);
    expect(acme).toEqual(source.acme);
    const items = await resolveShipped(factsOf("raspios-bookworm.txt"), ["imserver"], {}, undefined, source);
    expect(items.map((item) => (item.kind === "resource" ? item.resource.id : ""))).toEqual(
      expect.arrayContaining([
        ...["file:/etc/imcloud/secrets/acme", "package:dnsutils", "service:imcloud-certificate.timer"],
        "file:/etc/systemd/system/imcloud-certificate.service",
      ]),
    );
  });
});
