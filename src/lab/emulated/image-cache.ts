/**
 * The card's image, from the cache or made: about 8 minutes, once for each set of packages.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ACCOUNTS } from "../accounts.js";
import { ensureLabKey, makeHostKeys } from "../host-keys.js";
import { withLock } from "../lock.js";
import { machineMirror } from "../mirror.js";
import { claimBoard, releaseBoard } from "./boards.js";
import { cachedFolder } from "./cache.js";
import { makeImage } from "./image.js";
import { SUITE, type EmulatedLab } from "./layout.js";
import { allowArm64Programs } from "./programs.js";
import { buildRoot, imageName, type ImageIngredients } from "./root.js";

const HOST_KEY = "ssh_host_ed25519_key";

/** What an image of this lab is made from, by this machine's mirror and the lab's own keys. */
export async function imageIngredients(
  lab: EmulatedLab,
  packages: readonly string[],
): Promise<ImageIngredients> {
  // First, because keys make their folder and those above it private, and the apt cache has a user of its own.
  await mkdir(lab.imagesFolder, { recursive: true, mode: 0o755 });
  const keys = await withLock(
    lab.lockFile,
    () => undefined,
    async () => ({
      authorizedKey: await ensureLabKey(lab.sshKeyPath),
      hostKey: await ensureHostKey(lab),
    }),
  );
  return { packages, mirror: await machineMirror(SUITE), ...keys };
}

/** @returns the folder with `sd.img` */
export async function ensureImage(
  lab: EmulatedLab,
  ingredients: ImageIngredients,
  onProgress: (line: string) => void,
): Promise<string> {
  return cachedFolder(lab.imagesFolder, await imageName(ingredients), onProgress, async (folder) => {
    onProgress(
      `building an arm64 image${ingredients.packages.map((name) => ` with ${name}`).join("")}: about 8 minutes, once`,
    );
    await allowArm64Programs();
    // A record, as if it were a board: the apt cache must not go with somebody else's last one.
    const request = { name: "image", user: ACCOUNTS.pi.name, memoryMb: 0, template: folder };
    const record = await claimBoard(lab, ingredients, request, onProgress);
    try {
      const root = join(folder, "root");
      await buildRoot(lab, ingredients, root);
      await makeImage(root, folder);
      await rm(root, { recursive: true });
      await rm(`${root}.kit`, { recursive: true });
    } finally {
      await releaseBoard(lab, record.number);
    }
  });
}

/** Made once for all emulated boards of the lab. @returns its public half: algorithm and base64 */
async function ensureHostKey(lab: EmulatedLab): Promise<string> {
  const path = join(lab.hostKeysFolder, `${HOST_KEY}.pub`);
  if (!existsSync(path)) {
    await mkdir(lab.hostKeysFolder, { recursive: true, mode: 0o700 });
    const { files } = await makeHostKeys("emulated");
    // The public half last: it says that both are there.
    for (const [name, content] of Object.entries(files).sort(([one], [other]) => one.length - other.length))
      await writeFile(join(lab.hostKeysFolder, name), content, { mode: 0o600 });
  }
  return (await readFile(path, "utf8")).split(" ").slice(0, 2).join(" ");
}
