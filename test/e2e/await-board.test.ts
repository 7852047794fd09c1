/** Looking for a board that was flashed: whoever has its key is it, and nobody else. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fingerprintOf } from "../../src/board/host-key.js";
import { readHostKey } from "../../src/board/ssh-link.js";
import { readConfig, type BoardConfig } from "../../src/config/load.js";
import { parseYaml } from "../../src/config/yaml-file.js";
import { awaitBoard } from "../../src/fleet/await-board.js";
import type { Connecting } from "../../src/fleet/connect.js";
import { workspaceAt } from "../../src/fleet/workspace.js";
import { freePort, startSshd, type Sshd } from "./sshd.js";

const boardAt = (port: number): BoardConfig => {
  const text = `version: 1\ncloud: { name: home }\nboards: { pi-07: { address: 127.0.0.1, port: ${port} } }\n`;
  const [board] = readConfig(parseYaml(text, "imcloud.yaml")).boards as readonly [BoardConfig];
  return board;
};

async function looking(folder: string, signal?: AbortSignal): Promise<Connecting> {
  return Promise.resolve({
    workspace: workspaceAt(folder),
    logins: {
      sshPassword: () => Promise.resolve(undefined),
      sudoPassword: () => Promise.resolve(undefined),
      passphrase: () => Promise.resolve(undefined),
    },
    unknownHostKeys: "refuse",
    ...(signal !== undefined && { signal }),
  });
}

async function keyOf(sshd: Sshd): Promise<string> {
  const hostKeys = { file: join(sshd.folder, "none"), unknown: "refuse" } as const;
  return fingerprintOf(await readHostKey(sshd.target(), { hostKeys }));
}

test(
  "the one with the key on its card is found, and what is waited for is said",
  { timeout: 60_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "imcloud-await-"));
    await using sshd = await startSshd(["ed25519", "rsa"]);
    const said: string[] = [];
    const awaited = {
      board: boardAt(sshd.port),
      fingerprints: [await keyOf(sshd)],
      deadlineMs: 30_000,
      doing: (what: string) => said.push(what),
    };
    expect(await awaitBoard(awaited, await looking(folder))).toBe("127.0.0.1");
    expect(said[0]).toMatch(/^waiting for it at 127\.0\.0\.1.*, until \d\d:\d\d:\d\d$/);
    await rm(folder, { recursive: true, force: true });
  },
);

test("another's key is told and not taken, nor recorded", { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-await-"));
  await using sshd = await startSshd();
  const awaited = {
    board: boardAt(sshd.port),
    fingerprints: [`SHA256:${"A".repeat(43)}`],
    deadlineMs: 1,
    doing: () => undefined,
  };
  await expect(awaitBoard(awaited, await looking(folder))).rejects.toMatchObject({
    code: "fleet.not-found",
    exitCode: 69,
    details: { found: `127.0.0.1 presents ${await keyOf(sshd)}, which is not its` },
  });
  await rm(folder, { recursive: true, force: true });
});

test("where nobody answers the deadline ends it, and Ctrl-C at once", { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-await-"));
  const board = boardAt(await freePort());
  const awaited = { board, fingerprints: ["SHA256:x"], deadlineMs: 1, doing: () => undefined };
  await expect(awaitBoard(awaited, await looking(folder))).rejects.toMatchObject({
    code: "fleet.not-found",
    details: { found: expect.stringMatching(/^no answer at 127\.0\.0\.1/) as string },
  });
  const stop = new AbortController();
  const endless = awaitBoard({ ...awaited, deadlineMs: 60_000 }, await looking(folder, stop.signal));
  stop.abort();
  await expect(endless).rejects.toThrow(/abort/i);
  await rm(folder, { recursive: true, force: true });
});
