/**
 * All images that there are to choose from: the operator's own, Raspberry Pi's list, and what that list has lost.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { downloadText } from "../../files/download.js";
import { reasonOf } from "../../files/reason.js";
import { cacheFolder, readOptional, writePrivate } from "../../files/operator-files.js";
import { didYouMean } from "../../shared/did-you-mean.js";
import { daysOfFreeUpdates, RELEASES, withoutFreeUpdates } from "../../shared/releases.js";
import { listNotRead, unknownImage } from "./errors.js";
import type { CatalogueImage } from "./image.js";
import { OS_LIST, parseOsList } from "./os-list.js";
import { ownImages } from "./own.js";
import { UBUNTU_IMAGES } from "./ubuntu.js";

/**
 * A list that was read is kept, and is gone by, with a note that says so, while it cannot be fetched.
 *
 * @param list address or path of the list; none: Raspberry Pi's
 * @param note told what could not be had and what was taken instead
 * @throws ImcloudError `flash.not-fetched`, `flash.catalogue-invalid`
 */
export async function loadCatalogue(
  list: string | undefined,
  note: (line: string) => void,
): Promise<readonly CatalogueImage[]> {
  const where = list ?? OS_LIST;
  const text = await readKept(where, note);
  const listed = await parseOsList(text, where, {
    read: (url) => readKept(url, note),
    onMissing: (url, error) => note(`left out the list ${url}: ${reasonOf(error)}`),
  });
  const all = [...(await ownImages()), ...listed, ...UBUNTU_IMAGES];
  // The first of a name wins: what the operator says himself.
  return [...new Map(all.toReversed().map((image) => [image.id, image])).values()].toReversed();
}

async function readKept(where: string, note: (line: string) => void): Promise<string> {
  if (!/^https?:/.test(where)) {
    return readFile(where, "utf8").catch((cause: unknown) => {
      throw listNotRead(where, cause);
    });
  }
  const kept = join(cacheFolder(), "images", "lists", encodeURIComponent(where));
  try {
    const text = await downloadText(where);
    await writePrivate(kept, text);
    return text;
  } catch (error) {
    const before = await readOptional(kept);
    if (before === undefined) throw listNotRead(where, error);
    note(`${where}: ${reasonOf(error)}; going by the list as it was`);
    return before;
  }
}

export interface ImageFilter {
  /** A tag of a board such as `pi4`. */
  readonly board?: string;
  readonly architecture?: string;
}

/** @returns those that fit; one whose list says nothing of boards fits all */
export function filterImages(
  images: readonly CatalogueImage[],
  { board, architecture }: ImageFilter,
): readonly CatalogueImage[] {
  return images.filter(
    (image) =>
      (architecture === undefined || image.architecture === architecture) &&
      (board === undefined ||
        image.boards.length === 0 ||
        image.boards.some((tag) => tag.split("-")[0] === board)),
  );
}

/** The 64-bit one without a desktop whose release gets free updates for longest; the newest of these. */
export function recommended(images: readonly CatalogueImage[], now: Date): CatalogueImage | undefined {
  const isFit = ({ id, architecture, release }: CatalogueImage) =>
    architecture === "arm64" && release !== undefined && release in RELEASES && /lite|server/.test(id);
  const days = ({ release = "" }: CatalogueImage) => {
    const known = RELEASES[release];
    return known === undefined ? 0 : daysOfFreeUpdates(known, now);
  };
  return images
    .filter((image) => isFit(image) && days(image) > 0)
    .toSorted(
      (one, other) =>
        days(other) - days(one) || (other.releaseDate ?? "").localeCompare(one.releaseDate ?? ""),
    )[0];
}

/** What somebody should know of an image before he takes it. */
export function warningsOf({ release, warning }: CatalogueImage, now: Date): readonly string[] {
  const updates = release === undefined ? undefined : withoutFreeUpdates(release, now);
  return [warning, updates].filter((line) => line !== undefined);
}

/** @throws ImcloudError `flash.image-unusable` */
export function findImage(images: readonly CatalogueImage[], id: string): CatalogueImage {
  const found = images.find((image) => image.id === id);
  if (found !== undefined) return found;
  throw unknownImage(
    id,
    didYouMean(
      id,
      images.map((image) => image.id),
    ),
  );
}
