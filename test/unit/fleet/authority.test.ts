import { X509Certificate, createPrivateKey } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, connect } from "node:tls";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openAuthority } from "../../../src/fleet/authority.js";
import { boardCertificate, certifiable, isStillGood } from "../../../src/fleet/board-certificate.js";
import { workspaceAt } from "../../../src/fleet/workspace.js";
import { Secret } from "../../../src/shared/secret.js";

const DAY_MS = 86_400_000;
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-authority-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("the authority", () => {
  test("its key is the operator's alone, encrypted if a passphrase is given, and the same the next time", async () => {
    const passphrase = new Secret("correct horse");
    const made = await openAuthority(folder, "kitchen.home.arpa", passphrase);
    const key = await readFile(join(folder, "ca.key"), "utf8");
    expect(key).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
    expect(() => createPrivateKey({ key, passphrase: "wrong" })).toThrow();
    expect((await stat(join(folder, "ca.key"))).mode & 0o777).toBe(0o600);
    expect((await openAuthority(folder, "kitchen.home.arpa", passphrase)).certificate).toBe(made.certificate);
  });

  test("two commands that need it first have the same", async () => {
    // As another process has it: a module of its own, which knows nothing of what this one is doing.
    const path = "../../../src/fleet/authority.js?of-another-command";
    const other = (await import(/* @vite-ignore */ path)) as { openAuthority: typeof openAuthority };
    expect(other.openAuthority).not.toBe(openAuthority);
    const [one, two] = await Promise.all(
      [openAuthority, other.openAuthority].map((open) => open(folder, "kitchen.home.arpa", undefined)),
    );
    expect(one?.certificate).toBe(two?.certificate);
  });

  test.each([
    ["another passphrase", new Secret("wrong"), "another passphrase"],
    ["none", undefined, "an encrypted key and no passphrase"],
  ])("%s does not open it", async (_title, passphrase, found) => {
    await openAuthority(folder, "kitchen.home.arpa", new Secret("correct horse"));
    await expect(openAuthority(folder, "kitchen.home.arpa", passphrase)).rejects.toMatchObject({
      code: "config.secret-missing",
      details: { found },
    });
  });

  test("a board's certificate: 397 days with the day back, and all its names", async () => {
    const now = new Date("2026-11-23T12:00:00Z");
    const authority = await openAuthority(folder, "kitchen.home.arpa", undefined);
    const { chain } = await authority.issue(
      ["kitchen.home.arpa", "attic.local", "192.168.1.23", "fd00::1"],
      now,
    );
    const certificate = new X509Certificate(chain);
    expect(Date.parse(certificate.validFrom)).toBe(now.getTime() - DAY_MS);
    expect(Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)).toBe(397 * DAY_MS);
    expect(certificate.checkHost("attic.local")).toBe("attic.local");
    expect(certificate.checkIP("192.168.1.23")).toBe("192.168.1.23");
    expect(certificate.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
  });

  test("TLS accepts it for its names; for a name beyond the constraints it is refused", async () => {
    const authority = await openAuthority(folder, "kitchen.home.arpa", undefined);
    expect(
      await handshake(
        authority.certificate,
        await authority.issue(["kitchen.home.arpa", "127.0.0.1"]),
        "kitchen.home.arpa",
      ),
    ).toBe("accepted");
    expect(
      await handshake(authority.certificate, await authority.issue(["bank.example"]), "bank.example"),
    ).toMatch(/permitted subtree/i);
  });
});

async function handshake(
  ca: string,
  { chain, key }: { chain: string; key: Secret },
  servername: string,
): Promise<string> {
  const server = createServer({ cert: chain, key: key.reveal() }, (socket) => socket.end());
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: "127.0.0.1", ca, servername });
  const outcome = await once(client, "secureConnect").then(
    () => "accepted",
    (error: unknown) => String(error),
  );
  client.destroy();
  server.close();
  return outcome;
}

describe("a board's certificate", () => {
  const wish = {
    board: "attic",
    serverName: "kitchen.home.arpa",
    names: ["attic.local", "192.168.1.23"],
    passphrase: undefined,
  };

  test("is issued once, again for a new address, and again when its end is near", async () => {
    const workspace = workspaceAt(folder);
    const first = await boardCertificate(workspace, wish);
    expect((await boardCertificate(workspace, wish)).chain).toBe(first.chain);
    const moved = await boardCertificate(workspace, { ...wish, names: [...wish.names, "192.168.1.99"] });
    expect(moved.chain).not.toBe(first.chain);
    expect((await boardCertificate(workspace, wish)).chain).toBe(moved.chain);

    const end = Date.parse(new X509Certificate(moved.chain).validTo);
    expect(isStillGood(moved.chain, ["attic.local"], new Date(end - 31 * DAY_MS))).toBe(true);
    expect(isStillGood(moved.chain, ["attic.local"], new Date(end - 29 * DAY_MS))).toBe(false);
    expect((await stat(join(workspace.certificates, "attic.key"))).mode & 0o777).toBe(0o600);
  });

  test("is issued anew when its key is another's, as two commands at once may leave it", async () => {
    const workspace = workspaceAt(folder);
    await boardCertificate(workspace, wish);
    const other = await boardCertificate(workspace, { ...wish, board: "cellar" });
    await writeFile(join(workspace.certificates, "attic.key"), other.key.reveal());
    const { chain, key } = await boardCertificate(workspace, wish);
    expect(new X509Certificate(chain).checkPrivateKey(createPrivateKey(key.reveal()))).toBe(true);
  });

  test("is issued anew by an authority that was made anew", async () => {
    const workspace = workspaceAt(folder);
    await boardCertificate(workspace, wish);
    await rm(workspace.authority, { recursive: true });
    await boardCertificate(workspace, { ...wish, board: "cellar" });
    const { chain } = await boardCertificate(workspace, wish);
    const authority = new X509Certificate(await readFile(join(workspace.authority, "ca.pem")));
    expect(new X509Certificate(chain).verify(authority.publicKey)).toBe(true);
  });

  test("carries only names that the authority may vouch for", () => {
    const names = [
      "kitchen.home.arpa",
      "attic",
      "attic.local",
      "chat.example.org",
      "8.8.8.8",
      "10.0.0.1",
      "172.31.0.1",
      "172.32.0.1",
      "fe80::1",
      "fe80::1%eth0",
      "2001:db8::1",
      "attic.local",
    ];
    expect(certifiable(names, "kitchen.home.arpa")).toEqual([
      "kitchen.home.arpa",
      "attic.local",
      "10.0.0.1",
      "172.31.0.1",
      "fe80::1",
    ]);
  });
});

test("two boards that need the authority at once get the same one", async () => {
  const both = await Promise.all(["a", "b"].map(() => openAuthority(folder, "kitchen.home.arpa", undefined)));
  expect(both[0]?.certificate).toBe(both[1]?.certificate);
  const { chain } = await (both[1] ?? expect.fail()).issue(["kitchen.home.arpa"]);
  const ca = new X509Certificate(await readFile(join(folder, "ca.pem"), "utf8"));
  expect(new X509Certificate(chain).verify(ca.publicKey)).toBe(true);
});

test("an authority whose key is elsewhere is not replaced by another", async () => {
  await openAuthority(folder, "kitchen.home.arpa", undefined);
  await rm(join(folder, "ca.key"));
  await expect(openAuthority(folder, "kitchen.home.arpa", undefined)).rejects.toMatchObject({
    code: "config.secret-missing",
    message: "the authority's key is not here",
  });
});
