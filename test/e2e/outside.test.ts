/**
 * For people who are not at home: a relay for calls, also behind the firewall, for nobody without an account; and a
 * certificate of a public authority, which a fake provider of DNS and Pebble stand for.
 */
import { readFile } from "node:fs/promises";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { expect, test } from "vitest";
import { Agent, request } from "undici";
import { virtualBoards } from "../../src/lab/virtual-board.js";
import { issueCertificate } from "../server/certificate.js";
import { Services } from "../server/pebble.js";
import { settledFiles } from "./wishes.js";
import { operator, type Operator } from "./operator.js";

interface Relay {
  readonly username: string;
  readonly password: string;
  readonly uris: readonly string[];
}

/** What a client is told after it has logged in. */
async function relayOf(home: Operator, address: string): Promise<Relay> {
  const ca = await readFile(join(home.folder, ".imcloud", "authority", "ca.pem"), "utf8");
  // Pebble's authority is made anew at each of its starts; who it is, another look asks.
  const dispatcher = new Agent({ connect: { ca, rejectUnauthorized: false } });
  const ask = async (path: string, options: Partial<Parameters<typeof request>[1]>) => {
    const { statusCode, body } = await request(`https://${address}:8448/_matrix/client/v3/${path}`, {
      dispatcher,
      ...options,
    });
    const answer = (await body.json()) as Readonly<Record<string, unknown>>;
    expect(statusCode, JSON.stringify(answer)).toBe(200);
    return answer;
  };
  try {
    const { access_token } = await ask("login", {
      method: "POST",
      body: JSON.stringify({
        type: "m.login.password",
        identifier: { type: "m.id.user", user: "ada" },
        password: "a-long-password",
      }),
    });
    return (await ask("voip/turnServer", {
      headers: { authorization: `Bearer ${String(access_token)}` },
    })) as unknown as Relay;
  } finally {
    await dispatcher.close();
  }
}

/** Who issued the certificate that the server shows, by name. */
function issuerOf(address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: address,
      port: 8448,
      servername: "chat.example",
      rejectUnauthorized: false,
    });
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      resolve(String(socket.getPeerCertificate().issuer.CN));
      socket.destroy();
    });
  });
}

test("a public certificate is there, and calls go through the relay with the server's password", async () => {
  await using boards = await virtualBoards(["kitchen", "hall"]);
  const [kitchen, hall] = boards;
  if (kitchen === undefined || hall === undefined) throw new Error("two boards were asked for");
  const bare = new Set(settledFiles(await kitchen.manifest()));
  const gateway = kitchen.address.replace(/\d+$/, "1");
  const folder = await mkdtemp(join(tmpdir(), "imcloud-outside-"));
  await using world = {
    services: new Services(),
    async [Symbol.asyncDispose]() {
      await this.services.stop();
      await rm(folder, { recursive: true });
    },
  };
  const { caFile, chainAndKeyFile } = await issueCertificate(folder, gateway);
  const provider = await world.services.provider(gateway);
  const directory = await world.services.pebble(folder, gateway, provider.dns, chainAndKeyFile);
  const text = (path: string, body: string) => ({
    url: `http://${gateway}:${provider.api}/${path}`,
    headers: { authorization: "Bearer {secret}" },
    body,
  });
  await using home = await operator({
    boards: [kitchen],
    config: {
      cloud: { name: "home", broker: "none" },
      vars: {
        tls: {
          acme: {
            ...{ directory, ca: caFile, names: ["chat.example"], resolver: `${gateway}:${provider.dns}` },
            dns: {
              kind: "http",
              add: text("set-txt", '{"host":"{name}.","value":"{value}"}'),
              remove: text("clear-txt", '{"host":"{name}."}'),
            },
          },
        },
      },
    },
    playbooks: ["imserver", "calls", "hardening"],
  });
  const refused = await home.imcloud("apply", "--yes");
  expect([refused.exitCode, refused.stderr]).toEqual([65, expect.stringContaining("acme_dns")]);
  const dnsSecret = { env: { IMCLOUD_SECRET_ACME_DNS: "canary-dns" } };
  const applied = await home.imcloud("apply", "--yes", dnsSecret);
  expect(applied.exitCode, applied.stderr).toBe(0);
  expect(await home.imcloud("plan", dnsSecret)).toMatchObject({ exitCode: 0 });

  const added = await home.imcloud("user", "add", "ada", {
    env: { IMCLOUD_USER_PASSWORD: "a-long-password" },
  });
  expect(added.exitCode, added.stderr).toBe(0);
  const { username, password, uris } = await relayOf(home, kitchen.address);
  expect(uris).toEqual(["udp", "tcp"].map((by) => `turn:${kitchen.address}:3478?transport=${by}`));

  // The timer's first run may be under way: then this waits for it.
  await kitchen.sh("systemctl start imcloud-certificate");
  expect(await kitchen.sh("systemctl is-active imcloud-certificate.timer")).toBe("active");
  await expect.poll(() => issuerOf(kitchen.address), { timeout: 30_000 }).toMatch(/^Pebble/);

  // The package's own client, on another board, which is no server there.
  await hall.sh(
    "printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d && apt-get -qq update && " +
      "DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends coturn > /dev/null",
  );
  const through = (how: string, word: string) =>
    hall.sh(
      `timeout 60 turnutils_uclient ${how} -y -c -m 2 -n 20 -u '${username}' -w '${word}' ${kitchen.address} 2>&1 || :`,
    );
  for (const how of ["", "-t"]) {
    const said = await through(how, password);
    expect(said).toMatch(/Total lost packets 0 \(0\.0+%\)/);
    expect(said).toMatch(/tot_recv_msgs=(?!0\b)\d+/);
  }
  expect(await through("", "guessed")).not.toMatch(/tot_recv_msgs=(?!0\b)\d+/);
  // The board's own programs are out of reach by way of the relay.
  const inside = await hall.sh(
    `timeout 20 turnutils_uclient -n 5 -m 1 -e ::ffff:127.0.0.1 -r 9 -u '${username}' -w '${password}' ${kitchen.address} 2>&1 || :`,
  );
  expect(inside).toMatch(/error 403 \(Forbidden/);

  const health = await home.imcloud("health", "--json");
  const { findings } = (
    health.json["boards"] as Record<string, { findings: { check: string; verdict: string }[] }>
  )["kitchen"] ?? { findings: [] };
  expect(findings.filter(({ check }) => check.startsWith("calls-")).map(({ verdict }) => verdict)).toEqual([
    "ok",
    "ok",
  ]);

  const destroyed = await home.imcloud("destroy", "kitchen", "--yes", "kitchen", "--purge-data");
  expect(destroyed.exitCode, destroyed.stderr).toBe(0);
  // Debian's packages leave their accounts behind when they go.
  const accounts = /\/etc\/(passwd|shadow|group|gshadow)$/;
  expect(
    settledFiles(await kitchen.manifest()).filter((file) => !bare.has(file) && !accounts.test(file)),
  ).toEqual([]);
}, 300_000);
