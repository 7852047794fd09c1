/** Backups of a server that runs: whole, of one moment, and brought back only where that is safe. */
import { afterAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUN, callServer, ended, register, SERVER, startServerProcess } from "../bench/server-process.js";

const folder = mkdtempSync(join(tmpdir(), "imcloud-backup-"));
afterAll(() => rmSync(folder, { recursive: true }));

function run(
  config: string,
  ...args: string[]
): { code: number | null; answer: Record<string, unknown>; err: string } {
  const { status, stdout, stderr } = spawnSync(BUN, [SERVER, ...args, "--config", config], {
    encoding: "utf8",
  });
  return {
    code: status,
    err: stderr,
    answer: JSON.parse(stdout === "" ? "{}" : stdout) as Record<string, unknown>,
  };
}

async function upload(url: string, token: string, body: string): Promise<string> {
  const response = await fetch(`${url}/_matrix/media/v3/upload`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body,
  });
  return ((await response.json()) as { content_uri: string }).content_uri;
}

test("a backup of a busy server is whole, and brings back what was acknowledged before it", async () => {
  const server = await startServerProcess({}, [], join(folder));
  const { url, configPath: config } = server;
  const { token } = await register(url, "ann");
  const { room_id: room } = await callServer(url, "POST", "createRoom", token, {});
  const path = `rooms/${encodeURIComponent(String(room))}`;
  let sent = 0;
  const send = () =>
    callServer(url, "PUT", `${path}/send/m.room.message/${++sent}`, token, {
      msgtype: "m.text",
      body: `${sent}`,
    });
  for (let index = 0; index < 20; index++) await send();
  const media = await upload(url, token, "a picture");
  const place = join(folder, "one");
  let isBusy = true;
  const busy = (async () => {
    while (isBusy) await send();
  })();
  const child = Bun.spawn([BUN, SERVER, "backup", place, "--config", config], { stdout: "pipe" });
  expect(await child.exited).toBe(0);
  isBusy = false;
  await busy;
  expect(run(config, "check", place).answer).toEqual({ ok: true, media: 1, problems: [] });
  expect(run(config, "check").answer).toEqual({ ok: true, media: 1, problems: [] });
  expect(run(config, "backup", place)).toMatchObject({ code: 69, err: `${place} is not empty\n` });

  // Nothing is brought back under a server that runs, or over data that nobody gave up.
  expect(run(config, "restore", place).err).toContain("a server is running on these data");
  const before = await callServer(url, "GET", "sync", token);
  await ended(server.process, "SIGTERM");
  expect(run(config, "restore", place).err).toContain("say --replace");
  rmSync(join(folder, "media"), { recursive: true });
  expect(run(config, "check")).toMatchObject({ code: 1, answer: { ok: false } });
  const { code, answer } = run(config, "restore", place, "--replace");
  expect([code, answer["media"]]).toEqual([0, 1]);
  expect(existsSync(String(answer["aside"]))).toBe(true);

  const again = await startServerProcess({}, [], folder);
  const { chunk } = (await callServer(again.url, "GET", `${path}/messages?dir=f&limit=1000`, token)) as {
    chunk: { type: string; content: { body?: string } }[];
  };
  const bodies = chunk
    .filter(({ type }) => type === "m.room.message")
    .map(({ content }) => Number(content.body));
  expect(bodies.length).toBeGreaterThanOrEqual(20);
  expect(bodies).toEqual(bodies.map((_, index) => index + 1));
  const download = await fetch(
    `${again.url}${media.replace("mxc://", "/_matrix/client/v1/media/download/")}`,
    {
      headers: { authorization: `Bearer ${token}` },
    },
  );
  expect(await download.text()).toBe("a picture");
  // A device that had seen more than the backup knows hears of what is new.
  const event = await callServer(again.url, "PUT", `${path}/send/m.room.message/new`, token, { body: "new" });
  const sync = await callServer(again.url, "GET", `sync?since=${String(before["next_batch"])}`, token);
  expect(JSON.stringify(sync)).toContain(String(event["event_id"]));
  await ended(again.process, "SIGTERM");
}, 60_000);

test("as an archive it goes out and comes back, and half of one is none", () => {
  const config = join(folder, "server.json");
  const archive = spawnSync(BUN, [SERVER, "backup", "-", "--config", config], { maxBuffer: 2 ** 28 });
  expect(archive.status).toBe(0);
  const bringBack = (input: Buffer) =>
    spawnSync(BUN, [SERVER, "restore", "-", "--replace", "--config", config], { input, encoding: "utf8" });
  const half = bringBack(archive.stdout.subarray(0, archive.stdout.length / 2));
  expect(half.status).toBe(69);
  expect(half.stderr).toContain("tar ended with 2");
  expect(run(config, "check").answer).toEqual({ ok: true, media: 1, problems: [] });
  rmSync(join(folder, "media"), { recursive: true });
  const { status, stdout } = bringBack(archive.stdout);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, media: 1 });
  expect(run(config, "check").answer).toEqual({ ok: true, media: 1, problems: [] });
  expect(readdirSync(folder).filter((name) => name.startsWith(".backup-"))).toEqual([]);
});

test("what is damaged is said, and not brought back", () => {
  const config = join(folder, "server.json");
  const place = join(folder, "one");
  const [prefix = ""] = readdirSync(join(place, "media"));
  const [rest = ""] = readdirSync(join(place, "media", prefix));
  const file = join(place, "media", prefix, rest);
  const whole = readFileSync(file);
  writeFileSync(file, "b picture");
  expect(run(config, "restore", place, "--replace")).toMatchObject({
    ...{ code: 1, answer: { ok: false, problems: [`media ${prefix}${rest}: the file is damaged`] } },
  });
  rmSync(file);
  expect(run(config, "check", place).answer["problems"]).toEqual([
    `media ${prefix}${rest}: the file is missing`,
  ]);
  writeFileSync(file, whole);

  const other = join(folder, "other.json");
  writeFileSync(other, readFileSync(config, "utf8").replace('"serverName":"hs1"', '"serverName":"hs2"'));
  expect(run(other, "restore", place).err).toContain("the backup is of `hs1`");
  rmSync(join(place, "backup.json"));
  expect(run(config, "restore", place).err).toContain("is no backup, or one that was not finished");
  expect(run(config, "backup").code).toBe(64);
  expect(run(config, "restore").code).toBe(64);
});
