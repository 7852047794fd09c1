/**
 * A certificate for a test's server on loopback, and the authority that vouches for it.
 */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

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
