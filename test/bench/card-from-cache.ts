/**
 * A second card with the settings of a board, of an image in the cache, at a place without a network.
 *
 * The first command fetches the list and the image from a server of the bench's own, which then stops; what is measured
 * runs where there is no network but a loopback that is down. Against a plain copy of the unpacked image to the same
 * drive, as slow as a card, that is read back: more than the card's own time is what imcloud adds.
 *
 * Source: unshare(1), `--net`.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { execa } from "execa";
import { stringify } from "yaml";
import { webServer } from "../unit/files/web-server.js";
import { byCopy, CLI, onlyTo, onto } from "./flash/commands.js";
import { benchDrives, CARD_MB_S, installFlashTools } from "./flash/drives.js";
import { benchImage, IMAGE_MIB, type BenchImage } from "./flash/image.js";
import { usageOf } from "./flash/usage.js";
import { workFolder } from "./flash/work-folder.js";
import { compared, inTurns, type Bench } from "./metric.js";

const TURNS = 3;
const BOARD = "attic";
const CONFIG = {
  version: 1,
  cloud: { name: "bench" },
  boards: { [BOARD]: { address: "192.0.2.7" } },
  firstBoot: { user: "ada" },
};

export const cardFromCache: Bench = {
  name: "card-from-cache",
  summary: `a board's card of a cached image, without a network, against a plain copy, to a card of ${CARD_MB_S} MB/s`,

  async run(report, say) {
    await installFlashTools(say);
    using folder = workFolder();
    const image = await benchImage(folder.path, IMAGE_MIB, say);
    const home = join(folder.path, "home");
    await mkdir(home);
    await writeFile(join(home, "imcloud.yaml"), stringify(CONFIG));
    const cache = { IMCLOUD_CACHE: join(folder.path, "cache") };
    const chosen = await fetchOnce(image, home, cache, say);

    const drives = await benchDrives(folder.path, "card", 1, image.sizeBytes);
    const [drive = ""] = drives;
    const words = [
      ...["unshare", "--net", process.execPath, CLI, "flash", ...chosen, "--on", BOARD],
      ...onto(drives),
      "--quiet",
    ];
    const pairs = await inTurns(
      TURNS,
      () => usageOf({ words, cwd: home, env: { ...cache, ...onlyTo(drives) } }, folder.path),
      () => usageOf(byCopy(image, drive), folder.path),
    );
    const wall = pairs.map(({ value, baseline }) => ({ value: value.wallS, baseline: baseline.wallS }));
    report(compared({ bench: "card-from-cache", metric: "wall", unit: "s", goal: { atMost: 1.05 } }, wall));
  },
};

/** @returns how the image is named from then on, though nobody serves it any more */
async function fetchOnce(
  image: BenchImage,
  home: string,
  cache: Readonly<Record<string, string>>,
  say: (line: string) => void,
): Promise<readonly string[]> {
  let list = "";
  await using server = await webServer((request, response) => {
    if (request.url === "/list.json") response.end(list);
    else createReadStream(image.packed).pipe(response);
  });
  list = await listOf(image, server.url);
  const id = basename(image.raw, ".img");
  const chosen = ["--list", `${server.url}/list.json`];
  say("fetching the image into the cache");
  await execa(process.execPath, [CLI, "image", "fetch", id, ...chosen], { cwd: home, env: cache });
  return ["--image", id, ...chosen];
}

/** As Raspberry Pi's list has its images. Source: rpi-imager, `doc/json-schema`. */
async function listOf({ raw, packed, sizeBytes }: BenchImage, url: string): Promise<string> {
  const entry = {
    ...{ name: basename(raw, ".img"), description: "", icon: "", release_date: "2025-10-01" },
    ...{ url: `${url}/${basename(packed)}`, extract_size: sizeBytes, extract_sha256: await sum(raw) },
    image_download_sha256: await sum(packed),
    ...{ devices: ["pi4-64bit"], architecture: "armv8", init_format: "systemd" },
  };
  return JSON.stringify({ imager: { latest_version: "2" }, os_list: [entry] });
}

async function sum(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
