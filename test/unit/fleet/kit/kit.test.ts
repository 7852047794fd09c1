/** A kit, from one machine's cache into another's. */
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ownImages } from "../../../../src/flash/catalogue/own.js";
import { checkKit, loadKit, packKit } from "../../../../src/fleet/kit/kit.js";
import type { ImcloudError } from "../../../../src/shared/errors.js";

let folder = "";
let kit = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-kit-"));
  kit = join(folder, "kit");
  at("here");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const at = (machine: string) => vi.stubEnv("IMCLOUD_CACHE", join(folder, machine));
const cached = (machine: string, path: string) => join(folder, machine, path);
const silent = { moved: () => undefined };
const about = { imcloud: "0.1.0", contents: ["what it holds"], ownImages: [] };

async function put(path: string, content: string, mode = 0o644): Promise<string> {
  const own = cached("here", path);
  await mkdir(dirname(own), { recursive: true });
  await writeFile(own, content, { mode });
  return own;
}

/** Two files, packed. */
async function packed() {
  const paths = [await put("runtimes/bun-1/bun", "program", 0o755), await put("packages/x.tar", "packages")];
  return packKit(kit, about, paths, silent);
}

/** The message, with what was found. */
const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    ({ code, message, details }: ImcloudError) => `${code}: ${message.replace(folder, "")}: ${details.found}`,
  );

test("what one machine has, another one has afterwards", async () => {
  await packed();
  at("there");
  expect(await loadKit(kit, silent)).toMatchObject({ contents: ["what it holds"], imcloud: "0.1.0" });
  expect(await readFile(cached("there", "packages/x.tar"), "utf8")).toBe("packages");
  const { mode } = await stat(cached("there", "runtimes/bun-1/bun"));
  expect(mode & 0o777).toBe(0o755);
});

test("a second time nothing is copied, neither way", async () => {
  await packed();
  const moved: number[] = [];
  const told = { moved: (bytes: number) => moved.push(bytes) };
  await packKit(kit, about, [cached("here", "packages/x.tar"), cached("here", "runtimes/bun-1/bun")], told);
  at("there");
  await loadKit(kit, silent);
  await loadKit(kit, told);
  expect(moved).toEqual([]);
});

test("what has changed in the cache is copied again", async () => {
  await packed();
  const path = await put("packages/x.tar", "newer ones");
  await packKit(kit, about, [path], silent);
  expect(await readFile(join(kit, "packages/x.tar"), "utf8")).toBe("newer ones");
});

test("a file that is not as the list says is not taken, and leaves nothing", async () => {
  await packed();
  await writeFile(join(kit, "packages/x.tar"), "pack_ges");
  at("there");
  const message = "fleet.kit-unusable: /kit is not a whole kit: packages/x.tar: damaged";
  expect(await refusal(loadKit(kit, silent))).toBe(message);
  expect(await readdir(cached("there", "packages"))).toEqual([]);
  expect(await refusal(checkKit(kit, silent))).toBe(
    "fleet.kit-unusable: /kit is not a whole kit: packages/x.tar is damaged",
  );
});

test("a file that is missing is named", async () => {
  await packed();
  await rm(join(kit, "packages/x.tar"));
  at("there");
  expect(await refusal(loadKit(kit, silent))).toContain("packages/x.tar: ENOENT");
  expect(await refusal(checkKit(kit, silent))).toContain("packages/x.tar: ENOENT");
});

test("a folder without a list, or with one that is none, is no kit", async () => {
  expect(await refusal(loadKit(join(folder, "nowhere"), silent))).toContain("there is no kit.json");
  await mkdir(kit);
  await writeFile(join(kit, "kit.json"), "{");
  expect(await refusal(checkKit(kit, silent))).toContain("not one that imcloud wrote");
});

test("where no folder can be, that is said", async () => {
  const file = await put("packages/x.tar", "packages");
  expect(await refusal(packKit(file, about, [file], silent))).toContain("there can be no folder");
  expect(await refusal(loadKit(file, silent))).toContain("ENOTDIR");
});

test("without room, nothing is begun", async () => {
  await packed();
  const list = JSON.parse(await readFile(join(kit, "kit.json"), "utf8")) as {
    files: { sizeBytes: number }[];
  };
  for (const file of list.files) file.sizeBytes = 2 ** 50;
  await writeFile(join(kit, "kit.json"), JSON.stringify(list));
  at("there");
  expect(await refusal(loadKit(kit, silent))).toMatch(
    /^config.unreadable: there is no room for the kit at .*: [\d.]+ GB free$/,
  );
  expect(await readdir(join(folder, "there"))).toEqual(["kit.lock"]);
});

test.each(["../../etc/passwd", "/etc/passwd", "a/../../b", "C:\\x", "a\\b", "..", "./x", ""])(
  "a list that names %j is refused before anything is read",
  async (path) => {
    await packed();
    const list = JSON.parse(await readFile(join(kit, "kit.json"), "utf8")) as { files: { path: string }[] };
    const [file] = list.files;
    if (file === undefined) expect.fail("a kit without files");
    file.path = path;
    await writeFile(join(kit, "kit.json"), JSON.stringify(list));
    at("there");
    expect(await refusal(loadKit(kit, silent))).toContain("not one that imcloud wrote");
    await expect(readdir(join(folder, "there"))).rejects.toThrow("ENOENT");
  },
);

test("an image that the operator added is known by its id on the other machine", async () => {
  const path = await put("images/own/mine.img.xz", "image");
  const ownImage = { id: "mine", name: "mine", packedSha256: "0".repeat(64), initFormat: "systemd" };
  await packKit(
    kit,
    { ...about, ownImages: [{ ...ownImage, url: "images/own/mine.img.xz" }] },
    [path],
    silent,
  );
  at("there");
  await loadKit(kit, silent);
  expect(await ownImages()).toMatchObject([
    { id: "mine", url: cached("there", "images/own/mine.img.xz"), initFormat: "systemd" },
  ]);
});
