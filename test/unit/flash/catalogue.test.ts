/**
 * Lists of images: what is read of them, what is chosen, what is said of one that is wrong. The list is made after the
 * published schema and its example.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  filterImages,
  findImage,
  loadCatalogue,
  recommended,
  warningsOf,
} from "../../../src/flash/catalogue/catalogue.js";
import { fetchImage, isCached, parseSums } from "../../../src/flash/catalogue/fetch.js";
import { idOf, releaseOf, type CatalogueImage } from "../../../src/flash/catalogue/image.js";
import { fetchInto, importImage, verifyCached } from "../../../src/flash/catalogue/manage.js";
import { UBUNTU_IMAGES } from "../../../src/flash/catalogue/ubuntu.js";
import { files, webServer } from "../files/web-server.js";
import { sha256, tinyImage } from "./images.js";

const SUM = "a".repeat(64);
const NOW = new Date("2026-11-24");
const IMAGE = tinyImage(4);
const PACKED = gzipSync(IMAGE);

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-catalogue-"));
  vi.stubEnv("IMCLOUD_CACHE", join(folder, "cache"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const osImage = (file: string, more: object = {}) => ({
  ...{
    name: file,
    description: "d",
    icon: "i.png",
    url: `https://downloads.example/${file}`,
    release_date: "2025-10-01",
  },
  ...{
    extract_size: 2_000_000,
    extract_sha256: SUM,
    image_download_size: 1_000_000,
    image_download_sha256: SUM,
  },
  ...{ devices: ["pi4-64bit", "pi5-64bit"], architecture: "armv8", init_format: "systemd" },
  ...more,
});
const osList = (...items: object[]) => JSON.stringify({ imager: { latest_version: "2" }, os_list: items });

/** What the catalogue has of a list, without what imcloud adds to each. */
async function listed(
  text: string,
): Promise<{ readonly images: readonly CatalogueImage[]; readonly notes: readonly string[] }> {
  const path = join(folder, "list.json");
  await writeFile(path, text);
  const notes: string[] = [];
  const all = await loadCatalogue(path, (line) => notes.push(line));
  return { images: all.filter(({ listedBy }) => listedBy === "raspberrypi.com"), notes };
}

test("all that an entry says, and lists within lists", async () => {
  const { images } = await listed(
    osList(
      { name: "Erase", description: "", icon: "", url: "internal://format" },
      {
        name: "Other",
        description: "",
        subitems: [
          osImage("a.img.xz"),
          { name: "More", subitems: [osImage("b.zip", { devices: undefined })] },
        ],
      },
    ),
  );
  expect(images).toMatchObject([
    {
      ...{
        id: "a",
        url: "https://downloads.example/a.img.xz",
        releaseDate: "2025-10-01",
        sizeBytes: 2_000_000,
        sha256: SUM,
      },
      ...{
        packedBytes: 1_000_000,
        packedSha256: SUM,
        boards: ["pi4-64bit", "pi5-64bit"],
        architecture: "arm64",
        initFormat: "systemd",
      },
    },
    { id: "b", boards: [] },
  ]);
});

test("a list behind an address is read, one that is away is left out and named, and without a network the last one counts", async () => {
  const pages: Record<string, string> = { "/more.json": osList(osImage("nested.img.xz")) };
  let url: string;
  {
    await using server = await webServer((request, response) => files(pages)(request, response));
    url = server.url;
    pages["/os.json"] = osList(
      { name: "More", subitems_url: `${url}/more.json` },
      { name: "Gone", subitems_url: `${url}/gone.json` },
      osImage("top.img.xz"),
    );
    const notes: string[] = [];
    const images = await loadCatalogue(`${url}/os.json`, (line) => notes.push(line));
    expect(images.map(({ id }) => id).slice(0, 2)).toEqual(["nested", "top"]);
    expect(notes).toEqual([expect.stringMatching(/^left out the list .*gone\.json: .*404/)]);
  }
  const notes: string[] = [];
  const images = await loadCatalogue(`${url}/os.json`, (line) => notes.push(line));
  expect(images.map(({ id }) => id).slice(0, 2)).toEqual(["nested", "top"]);
  expect(notes[0]).toContain("going by the list as it was");
});

describe("no list", () => {
  const cases: readonly (readonly [title: string, text: string, found: string])[] = [
    ["no JSON", "<html>", "no JSON"],
    ["something else", "{}", "os_list"],
    [
      "a sum that is none",
      osList(osImage("a.img.xz", { extract_sha256: "abc" })),
      "os_list.0.extract_sha256",
    ],
    [
      "a size that is none",
      osList({ name: "x", subitems: [osImage("a.img", { extract_size: -1 })] }),
      "os_list.0.subitems.0.extract_size",
    ],
    ["an entry without a name", osList({ description: "d" }), "os_list.0.name"],
    ["devices that are no list", osList(osImage("a.img", { devices: "pi4" })), "os_list.0.devices"],
  ];
  test.each(cases)("%s", async (_, text, found) => {
    await expect(listed(text)).rejects.toMatchObject({ code: "flash.catalogue-invalid", details: { found } });
  });
  test("nothing there", async () => {
    await expect(loadCatalogue(join(folder, "none.json"), () => undefined)).rejects.toMatchObject({
      code: "flash.not-fetched",
    });
  });
});

test("names tell releases", () => {
  const names = [
    "2025-10-01-raspios-trixie-arm64-lite.img.xz",
    "2022-01-28-raspios-bullseye-armhf.zip",
    "2020-02-13-raspbian-buster-lite.zip",
    "ubuntu-24.04.4-preinstalled-server-arm64+raspi.img.xz",
    "libreelec-trixie.img.gz",
  ];
  expect(names.map(releaseOf)).toEqual(["debian-13", "debian-11", "debian-10", "ubuntu-24.04", undefined]);
  expect(idOf(`https://x.example/y/${names[3] ?? ""}?a=b#c`)).toBe(
    "ubuntu-24.04.4-preinstalled-server-arm64+raspi",
  );
});

test("one is recommended, old ones are warned of", async () => {
  const { images } = await listed(
    osList(
      osImage("2025-10-01-raspios-trixie-arm64-lite.img.xz"),
      osImage("2025-10-01-raspios-trixie-arm64.img.xz"),
      osImage("2026-06-01-raspios-trixie-armhf-lite.img.xz", {
        architecture: "armhf",
        devices: ["pi3-32bit"],
      }),
      osImage("2024-07-04-raspios-bookworm-arm64-lite.img.xz"),
    ),
  );
  const all = [...images, ...UBUNTU_IMAGES];
  expect(recommended(all, NOW)?.id).toBe("2025-10-01-raspios-trixie-arm64-lite");
  expect(recommended([], NOW)).toBeUndefined();
  expect(filterImages(images, { board: "pi3" }).map(({ id }) => id)).toEqual([
    "2026-06-01-raspios-trixie-armhf-lite",
  ]);
  expect(filterImages(images, { architecture: "arm64" })).toHaveLength(3);

  const bionic = findImage(all, "ubuntu-18.04.5-preinstalled-server-arm64+raspi4");
  expect(warningsOf(bionic, NOW)).toEqual([
    expect.stringContaining("8 GB"),
    expect.stringContaining("no free security updates since 2023-05-31"),
  ]);
  expect(() => findImage(all, "2025-10-01-raspios-trixie-arm64-lit")).toThrow("there is no image");
});

test("imcloud makes up no sums: Ubuntu's come from its publisher's list", () => {
  for (const image of UBUNTU_IMAGES) {
    expect(image.packedSha256 ?? image.sha256).toBeUndefined();
    expect(image.sumsUrl).toBe(image.url.replace(/[^/]+$/, "SHA256SUMS"));
  }
  expect(parseSums(`${SUM} *a.img.xz\n${SUM.toUpperCase()}  b.iso\nnonsense\n`)).toEqual(
    new Map([
      ["a.img.xz", SUM],
      ["b.iso", SUM],
    ]),
  );
});

describe("fetched", () => {
  const image = (url: string, more: Partial<CatalogueImage> = {}): CatalogueImage => ({
    ...{
      id: "tiny",
      name: "tiny",
      description: "",
      url: `${url}/tiny.img.gz`,
      listedBy: "imcloud",
      boards: [],
      architecture: "",
    },
    ...more,
  });
  const fetching = (notes: string[] = []) => ({ note: (line: string) => void notes.push(line) });

  test("once, by the sum of the publisher's list", async () => {
    await using server = await webServer(
      files({ "/tiny.img.gz": PACKED, "/SHA256SUMS": `${sha256(PACKED)} *tiny.img.gz\n` }),
    );
    const notes: string[] = [];
    const tiny = image(server.url, { sumsUrl: `${server.url}/SHA256SUMS` });
    const [one, other] = await Promise.all([
      fetchImage(tiny, fetching(notes)),
      fetchImage(tiny, fetching(notes)),
    ]);
    expect(one).toBe(other);
    expect((await readFile(one)).equals(PACKED)).toBe(true);
    expect(server.requests.filter((path) => path === "/tiny.img.gz")).toHaveLength(1);
    expect(notes[0]).toContain("is not checked");
  });

  const failing: readonly (readonly [
    title: string,
    pages: Record<string, Buffer | string>,
    more: (url: string) => Partial<CatalogueImage>,
    code: string,
  ])[] = [
    [
      "with another sum",
      { "/tiny.img.gz": "something else" },
      () => ({ packedSha256: SUM }),
      "flash.image-damaged",
    ],
    ["that is not there", {}, () => ({}), "flash.not-fetched"],
    [
      "whose sums are not there",
      { "/tiny.img.gz": PACKED },
      (url) => ({ sumsUrl: `${url}/SHA256SUMS` }),
      "flash.not-fetched",
    ],
    [
      "that its publisher does not list",
      { "/tiny.img.gz": PACKED, "/SHA256SUMS": `${SUM} *other.img\n` },
      (url) => ({ sumsUrl: `${url}/SHA256SUMS` }),
      "flash.not-fetched",
    ],
  ];
  test.each(failing)("not: one %s", async (_, pages, more, code) => {
    await using server = await webServer(files(pages));
    const tiny = image(server.url, more(server.url));
    await expect(fetchImage(tiny, fetching())).rejects.toMatchObject({ code });
    expect(await isCached(tiny)).toBe(false);
  });

  test("sums that nobody signed are refused where keys are given", async () => {
    await using server = await webServer(
      files({
        "/tiny.img.gz": PACKED,
        "/SHA256SUMS": `${sha256(PACKED)} *tiny.img.gz\n`,
        "/SHA256SUMS.gpg": "no signature",
      }),
    );
    const keys = join(folder, "keys.asc");
    await writeFile(keys, "no key");
    const tiny = image(server.url, { sumsUrl: `${server.url}/SHA256SUMS` });
    await expect(fetchImage(tiny, { ...fetching(), keys })).rejects.toMatchObject({
      code: "flash.image-damaged",
    });
  });

  test("an image of one's own: imported, verified, found damaged", async () => {
    const own = join(folder, "mine.img.gz");
    const list = join(folder, "empty.json");
    await writeFile(own, PACKED);
    await writeFile(list, osList());
    expect(await importImage(own, { sha256: sha256(PACKED) })).toBe("mine");
    const options = { list, note: () => undefined };
    const path = await fetchInto("mine", options);
    expect(await verifyCached("mine", options)).toEqual({ path, by: "as its publisher lists it" });
    await writeFile(path, gzipSync(tinyImage(5)));
    await expect(verifyCached("mine", options)).rejects.toMatchObject({ code: "flash.image-damaged" });
  });

  const imports: readonly (readonly [title: string, what: string, flags: object, message: string])[] = [
    ["an address without a sum", "https://x.example/a.img.xz", {}, "`--sha256` is not what is needed there"],
    [
      "a sum that is none",
      "https://x.example/a.img.xz",
      { sha256: "abc" },
      "`--sha256` is not what is needed there",
    ],
    ["a name that is none", "a.img", { id: "a b" }, "`--id` is not what is needed there"],
    ["a file that is not there", "none.img", {}, "there is no image none.img"],
  ];
  test.each(imports)("not imported: %s", async (_, what, flags, message) => {
    await expect(importImage(what, flags)).rejects.toMatchObject({ message });
  });
});
