/**
 * A relay for calls: its address and a password from the IM server, packets through it from outside, also behind the
 * firewall; and nobody without an account.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Agent, request } from "undici";
import { virtualBoards } from "../../src/lab/virtual-board.js";
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
  const dispatcher = new Agent({ connect: { ca } });
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

test("calls go through the relay with the server's password, and no other way", async () => {
  await using boards = await virtualBoards(["kitchen", "hall"]);
  const [kitchen, hall] = boards;
  if (kitchen === undefined || hall === undefined) throw new Error("two boards were asked for");
  const bare = new Set(settledFiles(await kitchen.manifest()));
  await using home = await operator({
    boards: [kitchen],
    config: { cloud: { name: "home", broker: "none" } },
    playbooks: ["imserver", "calls", "hardening"],
  });
  const applied = await home.imcloud("apply", "--yes");
  expect(applied.exitCode, applied.stderr).toBe(0);
  expect(await home.imcloud("plan")).toMatchObject({ exitCode: 0 });

  const added = await home.imcloud("user", "add", "ada", {
    env: { IMCLOUD_USER_PASSWORD: "a-long-password" },
  });
  expect(added.exitCode, added.stderr).toBe(0);
  const { username, password, uris } = await relayOf(home, kitchen.address);
  expect(uris).toEqual(["udp", "tcp"].map((by) => `turn:${kitchen.address}:3478?transport=${by}`));

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
