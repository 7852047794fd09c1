import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fingerprintOf, hostKeyOf } from "../../../src/board/host-key.js";
import {
  judgeHostKey,
  parseKnownHosts,
  renderKnownHost,
  withoutHost,
  type TrustSources,
} from "../../../src/board/known-hosts.js";

const keyNamed = (type: string, body: string) => {
  const name = Buffer.from(type);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(name.length);
  return hostKeyOf(Buffer.concat([length, name, Buffer.from(body)]));
};
const attic = keyNamed("ssh-ed25519", "attic");
const other = keyNamed("ssh-ed25519", "other");
const rsa = keyNamed("ssh-rsa", "attic");

const sources = (own: string, user = "", pinned: string[] = []): TrustSources => ({
  own: parseKnownHosts(own),
  user: parseKnownHosts(user),
  pinned,
});
const hashed = (name: string, salt = "c2FsdHNhbHRzYWx0c2FsdHM=") =>
  `|1|${salt}|${createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64")}`;

describe("a recorded key", () => {
  const line = (names: string, key = attic, marker = "") =>
    `${marker}${names} ${key.type} ${key.base64} a comment\n`;
  const cases: [title: string, line: string, address: string, port: number, verdict: string][] = [
    ["plain name", line("attic.local"), "attic.local", 22, "trusted"],
    ["names are not case-sensitive", line("Attic.local"), "ATTIC.local", 22, "trusted"],
    ["one of several names", line("attic,192.168.1.23"), "192.168.1.23", 22, "trusted"],
    ["another port is another host", line("attic"), "attic", 2222, "unknown"],
    ["port in brackets", line("[attic]:2222"), "attic", 2222, "trusted"],
    ["IPv6 with port", line("[fe80::1]:2222"), "fe80::1", 2222, "trusted"],
    ["wildcard", line("*.home.arpa"), "attic.home.arpa", 22, "trusted"],
    ["question mark", line("pi?"), "pi4", 22, "trusted"],
    ["negation wins", line("*.home.arpa,!attic.home.arpa"), "attic.home.arpa", 22, "unknown"],
    ["hashed name", line(hashed("attic.local")), "attic.local", 22, "trusted"],
    ["hashed name with port", line(hashed("[attic]:2222")), "attic", 2222, "trusted"],
    ["hashed name of another host", line(hashed("kitchen")), "attic", 22, "unknown"],
    ["another key", line("attic", other), "attic", 22, "changed"],
    ["only a key of another type", line("attic", rsa), "attic", 22, "changed"],
    ["revoked, though recorded", line("attic") + line("*", attic, "@revoked "), "attic", 22, "revoked"],
    [
      "another revoked key says nothing",
      line("attic") + line("*", other, "@revoked "),
      "attic",
      22,
      "trusted",
    ],
    [
      "a certificate authority is no host key",
      line("attic", attic, "@cert-authority "),
      "attic",
      22,
      "unknown",
    ],
    ["an unknown marker is skipped", line("attic", attic, "@future "), "attic", 22, "unknown"],
    ["a comment", `# ${line("attic")}`, "attic", 22, "unknown"],
    ["damage hides nothing else", `attic ssh-ed25519 ???\n\nattic\n${line("attic")}`, "attic", 22, "trusted"],
    ["line ends of Windows", line("attic").replace("\n", "\r\n"), "attic", 22, "trusted"],
    ["tabs", line("attic").replaceAll(" ", "\t"), "attic", 22, "trusted"],
  ];
  test.each(cases)("%s", (_title, text, address, port, verdict) => {
    expect(judgeHostKey(attic, address, port, sources(text)).kind).toBe(verdict);
    expect(judgeHostKey(attic, address, port, sources("", text)).kind).toBe(verdict);
  });
});

describe("which source counts", () => {
  const says = (key: typeof attic) => renderKnownHost("attic", 22, key);

  test("imcloud's own file overrules a stale line of the operator's", () => {
    expect(judgeHostKey(attic, "attic", 22, sources(says(attic), says(other))).kind).toBe("trusted");
    expect(judgeHostKey(other, "attic", 22, sources(says(attic), says(other)))).toEqual({
      kind: "changed",
      expected: [fingerprintOf(attic)],
    });
  });
  test("a revocation counts wherever it stands", () => {
    expect(judgeHostKey(attic, "attic", 22, sources(says(attic), `@revoked ${says(attic)}`)).kind).toBe(
      "revoked",
    );
  });
  test("a pinned fingerprint overrules the files", () => {
    const pinned = [fingerprintOf(attic)];
    expect(judgeHostKey(attic, "attic", 22, sources(says(other), says(other), pinned)).kind).toBe("trusted");
    expect(judgeHostKey(other, "attic", 22, sources(says(other), says(other), pinned)).kind).toBe("changed");
  });
});

describe("for any host", () => {
  const address = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6());
  const port = fc.integer({ min: 1, max: 65_535 });

  test("what is written is found again, for this host and port alone", () => {
    fc.assert(
      fc.property(address, port, address, port, (host, at, elsewhere, there) => {
        const text = renderKnownHost(host, at, attic);
        expect(judgeHostKey(attic, host, at, sources(text)).kind).toBe("trusted");
        const isSame = host.toLowerCase() === elsewhere.toLowerCase() && at === there;
        expect(judgeHostKey(attic, elsewhere, there, sources(text)).kind).toBe(
          isSame ? "trusted" : "unknown",
        );
      }),
    );
  });
  test("forgetting a host leaves every other line as it was", () => {
    fc.assert(
      fc.property(address, port, fc.array(fc.string({ unit: "binary-ascii" })), (host, at, noise) => {
        const rest =
          noise.map((line) => `# ${line.replaceAll("\n", " ")}\n`).join("") +
          renderKnownHost("kept.example", 1, other);
        fc.pre(host.toLowerCase() !== "kept.example" || at !== 1);
        expect(withoutHost(rest + renderKnownHost(host, at, attic), host, at)).toBe(rest);
      }),
    );
  });
  test("no text makes the parser throw or trust a key that is not in it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(judgeHostKey(attic, "attic", 22, sources(text)).kind).not.toBe("trusted");
      }),
    );
  });
  test("a long run of wildcards costs no more than its length allows", () => {
    const line = `${"*a".repeat(2_000)} ${attic.type} ${attic.base64}\n`;
    const started = performance.now();
    judgeHostKey(attic, "a".repeat(250) + "b", 22, sources(line));
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
