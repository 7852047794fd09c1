/**
 * A certificate for a test's server on loopback, and the authority that vouches for it.
 */
import "reflect-metadata"; // before x509, which needs it
import { execFile } from "node:child_process";
import { KeyObject, webcrypto } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";

const run = promisify(execFile);

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];

/** @returns the authority's certificate, and a file with the server's chain and its key (PKCS #8) */
export async function issueCertificate(
  folder: string,
  address = "127.0.0.1",
): Promise<{ readonly caFile: string; readonly chainAndKeyFile: string }> {
  const at = (name: string) => join(folder, name);
  await run("openssl", [
    ...["req", "-x509", ...NEW_KEY, "-subj", "/CN=a test's authority"],
    ...["-keyout", at("ca.key"), "-out", at("ca.pem")],
  ]);
  await run("openssl", [
    ...[
      "req",
      "-x509",
      ...NEW_KEY,
      "-subj",
      "/CN=a test's server",
      "-addext",
      `subjectAltName=IP:${address}`,
    ],
    ...["-addext", "basicConstraints=critical,CA:FALSE", "-CA", at("ca.pem"), "-CAkey", at("ca.key")],
    ...["-keyout", at("server.key"), "-out", at("server.pem")],
  ]);
  const parts = ["server.key", "server.pem", "ca.pem"].map((name) => readFileSync(at(name), "utf8"));
  writeFileSync(at("server-all.pem"), parts.join(""), { mode: 0o600 });
  return { caFile: at("ca.pem"), chainAndKeyFile: at("server-all.pem") };
}

/** @returns a certificate that vouches for itself, and its key: PEM */
export async function selfSigned({
  names = [],
  from,
  until,
}: {
  readonly names?: readonly string[];
  readonly from: Date;
  readonly until: Date;
}): Promise<{ readonly certificate: string; readonly key: string }> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...{ name: "CN=a test's", keys, signingAlgorithm: algorithm, notBefore: from, notAfter: until },
    extensions:
      names.length === 0
        ? []
        : [new SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns", value })))],
  });
  const key = KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" });
  return { certificate: certificate.toString("pem"), key: key.toString() };
}
