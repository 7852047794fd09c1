/** Fetches everything for a kit, and fills it. */
import { readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { cacheFolder } from "../../files/operator-files.js";
import { findImage, loadCatalogue } from "../../flash/catalogue/catalogue.js";
import { fetchImage, notePath } from "../../flash/catalogue/fetch.js";
import type { CatalogueImage } from "../../flash/catalogue/image.js";
import { readOwnImages, type OwnImage } from "../../flash/catalogue/own.js";
import type { Fleet } from "../fleet.js";
import { imageTellsNothing, systemInWords } from "./errors.js";
import { makeFolder, packKit, type Kit, type KitProgress } from "./kit.js";
import { fetchPackages, packageFiles } from "./packages.js";
import { archivesOf, type Mirrors, type System } from "./systems.js";
import { wishesOf } from "./wishes.js";

export interface KitWish extends Mirrors {
  /** Ids of the catalogue. */
  readonly images: readonly string[];
  /** Instead of what the images' names tell. */
  readonly system?: System;
  /** Another list of images than Raspberry Pi's. */
  readonly list?: string;
  /** Who signs sums of images. */
  readonly keys?: string;
}

export interface MakingKit extends KitProgress {
  readonly imcloud: string;
  readonly doing: (what: string) => void;
  readonly note: (line: string) => void;
  readonly signal: AbortSignal;
}

/** @throws ImcloudError of fetching, of playbooks, and of {@link packKit} */
export async function makeKit(fleet: Fleet, folder: string, wish: KitWish, making: MakingKit): Promise<Kit> {
  const { note, doing, signal } = making;
  await makeFolder(folder);
  const catalogue = wish.images.length === 0 ? [] : await loadCatalogue(wish.list, note);
  const images = wish.images.map((id) => findImage(catalogue, id));
  const systems = wish.system === undefined ? images.map(systemOf) : [wish.system];
  for (const system of systems) archivesOf(system);

  const { systems: wished, files } = await wishesOf(fleet, systems, doing);
  const contents: string[] = [];
  const paths = files.map(({ path }) => path);
  for (const image of images) {
    doing(`image ${image.id}`);
    const path = await fetchImage(image, {
      note,
      signal,
      ...(wish.keys !== undefined && { keys: wish.keys }),
    });
    paths.push(path, notePath(path));
    contents.push(`image ${image.id}`);
  }
  if (images.length > 0) paths.push(...(await keptLists()));
  for (const { packages, ...system } of wished) {
    const words = systemInWords(system);
    const { packages: number } = await fetchPackages(system, packages, {
      ...wish,
      ...{ note, moved: making.moved },
      doing: (what) => doing(`${words}: ${what}`),
    });
    paths.push(...Object.values(packageFiles(system)).map((file) => join(cacheFolder(), file)));
    contents.push(`${number} packages for ${words}: ${packages.join(", ")} and what they need`);
  }
  contents.push(...files.map(({ name }) => name));
  const ownImages = await ownAmong(images);
  return packKit(folder, { imcloud: making.imcloud, contents, ownImages }, [...new Set(paths)], making);
}

function systemOf({ id, release, architecture }: CatalogueImage): System {
  if (release === undefined || architecture === "") throw imageTellsNothing(id);
  return { release, arch: architecture };
}

/** So that a machine without internet knows an image by its id. */
async function keptLists(): Promise<readonly string[]> {
  const folder = join(cacheFolder(), "images", "lists");
  return (await readdir(folder).catch(() => [])).map((name) => join(folder, name));
}

async function ownAmong(images: readonly CatalogueImage[]): Promise<OwnImage[]> {
  const ids = new Set(images.map(({ id }) => id));
  return (await readOwnImages())
    .filter(({ id }) => ids.has(id))
    .map(({ url, ...image }) => ({
      ...image,
      url: /^https?:/.test(url) ? url : relative(cacheFolder(), url).split(sep).join("/"),
    }));
}
