/**
 * Raspberry Pi's list of images, as Raspberry Pi Imager reads it.
 *
 * Lists nest, within a file and by address. A list behind an address that cannot be had is left out and named; a list that
 * is no such list is an error.
 *
 * Source: raspberrypi/rpi-imager, doc/json-schema/os-list-schema.json and doc/schema-notes.md.
 */
import pLimit from "p-limit";
import { z } from "zod";
import { listInvalid } from "./errors.js";
import { architectureOf, idOf, releaseOf, type CatalogueImage } from "./image.js";

export const OS_LIST = "https://downloads.raspberrypi.com/os_list_imagingutility_v4.json";

const Sum = z
  .string()
  .regex(/^[0-9a-fA-F]{64}$/, "64 hexadecimal digits")
  .transform((sum) => sum.toLowerCase());
const Bytes = z.int("a whole number of bytes").positive("a whole number of bytes");

interface Item {
  readonly name: string;
  readonly description: string;
  readonly subitems?: readonly Item[] | undefined;
  readonly subitems_url?: string | undefined;
  readonly url?: string | undefined;
  readonly release_date?: string | undefined;
  readonly extract_size?: number | undefined;
  readonly extract_sha256?: string | undefined;
  readonly image_download_size?: number | undefined;
  readonly image_download_sha256?: string | undefined;
  readonly devices?: readonly string[] | undefined;
  readonly architecture?: string | undefined;
  readonly init_format?: string | undefined;
}

/** What imcloud does not use may be as it likes: the list grows with Imager. */
const Item: z.ZodType<Item, unknown> = z.object({
  name: z.string(),
  description: z.string().default(""),
  subitems: z.lazy(() => z.array(Item)).optional(),
  subitems_url: z.url().optional(),
  url: z.string().optional(),
  release_date: z.string().optional(),
  extract_size: Bytes.optional(),
  extract_sha256: Sum.optional(),
  image_download_size: Bytes.optional(),
  image_download_sha256: Sum.optional(),
  devices: z.array(z.string()).optional(),
  architecture: z.string().optional(),
  init_format: z.string().optional(),
});

const OsList = z.object({ os_list: z.array(Item) });

const MOST_LEVELS = 5;
const AT_A_TIME = 4;

export interface ListReader {
  /** The text behind an address. */
  readonly read: (url: string) => Promise<string>;
  /** Told of a nested list that cannot be had. */
  readonly onMissing: (url: string, error: unknown) => void;
}

/**
 * @param where of the list, for messages
 * @returns its images and those of the lists in it, in their order, each once
 * @throws ImcloudError `flash.catalogue-invalid`
 */
export async function parseOsList(
  text: string,
  where: string,
  reader: ListReader,
): Promise<readonly CatalogueImage[]> {
  const limit = pLimit(AT_A_TIME);
  const below = async (
    items: readonly Item[],
    from: string,
    level: number,
  ): Promise<readonly CatalogueImage[]> => {
    const all = await Promise.all(
      items.map(async (item): Promise<readonly CatalogueImage[]> => {
        if (item.subitems !== undefined) return below(item.subitems, from, level + 1);
        const { subitems_url: url } = item;
        if (url === undefined) return imagesOf(item);
        if (level >= MOST_LEVELS) return [];
        const nested = await limit(() => reader.read(url)).catch((error: unknown) => {
          reader.onMissing(url, error);
          return undefined;
        });
        return nested === undefined ? [] : below(itemsOf(nested, url), url, level + 1);
      }),
    );
    return all.flat();
  };
  const images = await below(itemsOf(text, where), where, 0);
  return [...new Map(images.map((image) => [image.id, image])).values()];
}

function itemsOf(text: string, where: string): readonly Item[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw listInvalid(where, "no JSON", "a list as Raspberry Pi Imager reads it", cause);
  }
  const list = OsList.safeParse(json);
  if (list.success) return list.data.os_list;
  const [issue] = list.error.issues;
  throw listInvalid(where, issue?.path.join(".") ?? "", issue?.message ?? "", list.error);
}

/** What Imager does by itself, such as erasing, has addresses of its own kind. */
function imagesOf(item: Item): readonly CatalogueImage[] {
  const { url } = item;
  if (url === undefined || !/^https?:/.test(url)) return [];
  const release = releaseOf(url);
  return [
    {
      ...{ id: idOf(url), name: item.name, description: item.description, url, listedBy: "raspberrypi.com" },
      ...defined({
        releaseDate: item.release_date,
        packedBytes: item.image_download_size,
        packedSha256: item.image_download_sha256,
        sizeBytes: item.extract_size,
        sha256: item.extract_sha256,
        initFormat: item.init_format,
        release,
      }),
      boards: item.devices ?? [],
      architecture: architectureOf(item.architecture, url),
    },
  ];
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

const defined = <T extends object>(fields: T): Defined<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
