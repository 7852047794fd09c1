/** Images that the operator added: in the cache, with what he said of them. */
import { join } from "node:path";
import { z } from "zod";
import { cacheFolder, readOptional, writePrivate } from "../../files/operator-files.js";
import { listInvalid } from "./errors.js";
import { architectureOf, releaseOf, type CatalogueImage } from "./image.js";

export const OwnImage = z.object({
  id: z.string(),
  name: z.string(),
  /** Or the path of its file. */
  url: z.string(),
  packedSha256: z.string().optional(),
  packedBytes: z.number().optional(),
  initFormat: z.string().optional(),
});
export type OwnImage = z.infer<typeof OwnImage>;

const Own = z.object({ version: z.literal(1), images: z.array(OwnImage) });

const notes = () => join(cacheFolder(), "images", "own.json");

export async function ownImages(): Promise<readonly CatalogueImage[]> {
  return (await readOwnImages()).map(
    ({ packedSha256, packedBytes, initFormat, ...image }): CatalogueImage => {
      const release = releaseOf(image.id);
      return {
        ...{ ...image, description: "added by `imcloud image import`", listedBy: "you", boards: [] },
        architecture: architectureOf(undefined, image.id),
        ...(packedSha256 !== undefined && { packedSha256 }),
        ...(packedBytes !== undefined && { packedBytes }),
        ...(initFormat !== undefined && { initFormat }),
        ...(release !== undefined && { release }),
      };
    },
  );
}

/** One of that name is replaced. */
export async function addOwnImage(image: OwnImage): Promise<void> {
  const images = [...(await readOwnImages()).filter(({ id }) => id !== image.id), image];
  await writePrivate(notes(), `${JSON.stringify({ version: 1, images }, null, 2)}\n`);
}

/** As they were added. */
export async function readOwnImages(): Promise<readonly OwnImage[]> {
  const text = await readOptional(notes());
  if (text === undefined) return [];
  const parsed = Own.safeParse(JSON.parse(text));
  if (!parsed.success)
    throw listInvalid(notes(), "what imcloud did not write", "its own notes", parsed.error);
  return parsed.data.images;
}
