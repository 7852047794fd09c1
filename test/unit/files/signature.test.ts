/**
 * Signatures made by GnuPG 2.2 in March 2024, with keys of 30 days: by now the keys have expired, and the release has
 * not. `KEYS` has text between its blocks and a block that is no key, as projects' files have.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NotSigned, signerOf } from "../../../src/files/signature.js";

const at = (name: string) => fileURLToPath(new URL(`signatures/${name}`, import.meta.url));
const text = (name: string) => readFile(at(name), "utf8");

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-signature-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("the key that has signed it is told, though it has expired since", async () => {
  const signer = await signerOf(at("release.txt"), await text("release.txt.asc"), await text("KEYS"));
  expect(signer).toMatch(/^[0-9A-F]{40}$/);
  expect(await text("KEYS")).toContain(signer);
});

test("one changed byte", async () => {
  const path = join(folder, "release.txt");
  await writeFile(path, (await text("release.txt")).replace("A", "a"));
  const work = signerOf(path, await text("release.txt.asc"), await text("KEYS"));
  await expect(work).rejects.toThrow(new NotSigned("Signed digest did not match"));
});

test.each([
  ["another's keys", "release.txt.asc", "OTHERS", /Could not find signing key/],
  ["no key at all", "release.txt.asc", "release.txt", /there is no PGP PUBLIC KEY BLOCK/],
  ["no signature", "release.txt", "KEYS", /the signature cannot be read: Misformed armored text/],
])("%s", async (_title, signature, keys, message) => {
  const work = signerOf(at("release.txt"), await text(signature), await text(keys));
  await expect(work).rejects.toThrow(NotSigned);
  await expect(work).rejects.toThrow(message);
});
