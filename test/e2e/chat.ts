/** Two people in two real Matrix clients, through a board's server, over TLS that the cloud's authority vouches for. */
import { join } from "node:path";
import { execa } from "execa";
import { parse } from "yaml";
import { packageRoot } from "../../src/shared/package-root.js";
import type { Operator } from "./operator.js";

/** @returns a secret of the operator's file; empty if it is not there */
export async function secretOf(home: Operator, name: string): Promise<string> {
  const all = parse(await home.read("imcloud.secrets.yaml")) as Readonly<Record<string, string>>;
  return all[name] ?? "";
}

/** @returns what the two saw, and the ids of the two messages; rejects when one of them does not hear the other */
export async function twoPeopleChat(
  board: { readonly address: string },
  home: Operator,
): Promise<{ readonly seen: string; readonly sent: readonly string[] }> {
  const { stdout } = await execa(
    process.execPath,
    [join(packageRoot(), "test", "clients", "two-people.mjs")],
    {
      env: {
        BASE_URL: `https://${board.address}:8448`,
        REGISTRATION_TOKEN: await secretOf(home, "registration_token"),
        NODE_EXTRA_CA_CERTS: join(home.folder, ".imcloud", "authority", "ca.pem"),
      },
      timeout: 120_000,
    },
  );
  return { seen: stdout, sent: [...stdout.matchAll(/\((\$[\w-]+)\)/g)].map(([, id]) => id ?? "") };
}
