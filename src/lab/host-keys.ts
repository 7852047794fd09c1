/**
 * A board's identity towards SSH. Made for each board, so that tests of host keys test something.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { tool } from "./tool.js";

export interface HostKeys {
  /** Contents by the file's name in /etc/ssh. */
  readonly files: Readonly<Record<string, string>>;
  /** Algorithm and base64. */
  readonly publicKey: string;
  readonly fingerprint: string;
}

const ALGORITHM = "ed25519";

export async function makeHostKeys(comment: string): Promise<HostKeys> {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-lab-"));
  try {
    const name = `ssh_host_${ALGORITHM}_key`;
    const path = join(folder, name);
    await tool(["ssh-keygen", "-q", "-t", ALGORITHM, "-N", "", "-C", comment, "-f", path]);
    const [secret, open, listed] = await Promise.all([
      readFile(path, "utf8"),
      readFile(`${path}.pub`, "utf8"),
      tool(["ssh-keygen", "-l", "-f", path]),
    ]);
    return {
      files: { [name]: secret, [`${name}.pub`]: open },
      publicKey: open.split(" ").slice(0, 2).join(" "),
      fingerprint: listed.split(" ")[1] ?? "",
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The lab's own key, which opens the boards. Made once. @returns its public half */
export async function ensureLabKey(path: string): Promise<string> {
  if (!existsSync(path)) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await tool(["ssh-keygen", "-q", "-t", ALGORITHM, "-N", "", "-C", "imcloud-lab", "-f", path]);
  }
  return (await readFile(`${path}.pub`, "utf8")).trim();
}
