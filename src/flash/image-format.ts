/**
 * What an image file is, by its first bytes: a name ending tells what somebody thought it was.
 *
 * Sources: the formats' own specifications, as file(1) knows them.
 */

/** What imcloud writes; `raw` is the image itself. */
export type ImageFormat = "raw" | "xz" | "gzip" | "zstd" | "zip";

const MAGIC: readonly (readonly [format: ImageFormat, hex: string])[] = [
  ["xz", "fd377a585a00"],
  ["gzip", "1f8b"],
  ["zstd", "28b52ffd"],
  ["zip", "504b0304"],
];

/** What people also have at hand; no image that can be written as it is. */
const OTHERS: readonly (readonly [what: string, hex: string, offset?: number])[] = [
  ["a bzip2 archive", "425a68"],
  ["a 7z archive", "377abcaf271c"],
  ["a RAR archive", "526172211a07"],
  ["an empty zip archive", "504b0506"],
  ["a virtual disk of QEMU (qcow2)", "514649fb"],
  ["a virtual disk of VMware (vmdk)", "4b444d56"],
  ["a compressed image of macOS (dmg)", "7801730d626260"],
  ["a tar archive", "7573746172", 257],
  ["a CD image (ISO 9660)", "4344303031", 32_769],
  ["a PDF document", "25504446"],
];

/** How much of a file {@link sniff} wants to see. */
export const SNIFF_BYTES = 36_864;

/** @returns the format; or, for what imcloud cannot write, what it is in words */
export function sniff(start: Buffer): { readonly format: ImageFormat } | { readonly other: string } {
  if (start.length === 0) return { other: "an empty file" };
  const has = (hex: string, offset = 0) =>
    start.subarray(offset, offset + hex.length / 2).toString("hex") === hex;
  const known = MAGIC.find(([, hex]) => has(hex));
  if (known !== undefined) return { format: known[0] };
  const other = OTHERS.find(([, hex, offset]) => has(hex, offset));
  const isBootable = start.length >= 512 && start.readUInt16LE(510) === 0xaa55;
  if (isBootable) return { format: "raw" }; // CD images made for USB sticks too
  if (other !== undefined) return { other: other[0] };
  const text = start.toString("latin1", 0, 256).trimStart().toLowerCase();
  if (text.startsWith("<!doctype html") || text.startsWith("<html"))
    return { other: "a web page: a login or an error came in place of the image" };
  if (text.startsWith("<?xml")) return { other: "an XML document" };
  return { format: "raw" };
}
