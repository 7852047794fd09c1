/**
 * What benches need of the machine: memory of processes, certificates.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";

/** What a process has in memory, in KiB. Source: proc(5), `VmRSS`. */
export async function residentKib(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid ?? 0}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
}

/** A certificate that nobody has to trust, for a listener. */
export async function certificate(folder: string): Promise<{ certFile: string; keyFile: string }> {
  const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  await execa("openssl", [
    "req",
    "-x509",
    ...curve,
    "-nodes",
    "-days",
    "2",
    "-subj",
    "/CN=localhost",
    "-keyout",
    keyFile,
    "-out",
    certFile,
  ]);
  return { certFile, keyFile };
}
