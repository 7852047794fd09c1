/** Whether a file is a whole backup, before anything is done with it. */
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pack } from "tar-stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readBackup } from "../../../src/fleet/backup.js";

const MANIFEST = { version: 1, serverName: "home.local", madeAt: "2026-11-29T18:00:00.000Z", media: 1 };
const PICTURE = "a picture".repeat(10_000);
const DATABASE = "SQLite format 3\0 and so on";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-backups-"));
});
afterAll(() => rm(folder, { recursive: true }));

const placeOf = (content: string): string => {
  const hash = createHash("sha256").update(content).digest("hex");
  return `./media/${hash.slice(0, 2)}/${hash.slice(2)}`;
};
const WHOLE: Readonly<Record<string, string>> = {
  "./imcloud.db": DATABASE,
  [placeOf(PICTURE)]: PICTURE,
  "./backup.json": JSON.stringify(MANIFEST),
};

async function archive(files: Readonly<Record<string, string>>, share = 1): Promise<string> {
  const packing = pack();
  for (const [name, content] of Object.entries(files)) packing.entry({ name }, content);
  packing.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packing) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const file = join(folder, "backup.tar");
  await writeFile(file, bytes.subarray(0, bytes.length * share));
  return file;
}

test("a whole backup says what it is", async () => {
  const file = await archive(WHOLE);
  expect(await readBackup(file)).toMatchObject({ file, serverName: "home.local", media: 1 });
});

test.each([
  ["nothing", {}, "it has no `backup.json`"],
  ["no archive", { "./x": "y" }, "it has no `backup.json`"],
  ["no database", { ...WHOLE, "./imcloud.db": "no" }, "it has no database"],
  [
    "an upload too few",
    { ...WHOLE, "./backup.json": JSON.stringify({ ...MANIFEST, media: 2 }) },
    "1 of 2 uploads",
  ],
  ["a damaged upload", { ...WHOLE, [placeOf(PICTURE)]: "another" }, "is damaged"],
  ["a manifest of another kind", { ...WHOLE, "./backup.json": "{}" }, "of another kind"],
])("%s is refused", async (_what, files, found) => {
  await expect(readBackup(await archive(files))).rejects.toMatchObject({
    code: "config.unreadable",
    details: { found: expect.stringContaining(found) as unknown },
  });
});

test.each([0.2, 0.5, 0.9])("%d of a backup is none", async (share) => {
  await expect(readBackup(await archive(WHOLE, share))).rejects.toMatchObject({ code: "config.unreadable" });
});

test("a file that is not there is said", async () => {
  await expect(readBackup(join(folder, "none.tar"))).rejects.toMatchObject({
    details: { found: expect.stringContaining("ENOENT") as unknown },
  });
});
