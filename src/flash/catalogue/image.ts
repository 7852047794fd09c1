/** An image that can be fetched, whoever lists it. */

export interface CatalogueImage {
  /** The file's name without its endings: what people type. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly url: string;
  readonly listedBy: "raspberrypi.com" | "imcloud" | "you";
  /** `YYYY-MM-DD`. */
  readonly releaseDate?: string;
  /** Of the file that is fetched: bytes, SHA-256. */
  readonly packedBytes?: number;
  readonly packedSha256?: string;
  /** Of the image in it: bytes, SHA-256. */
  readonly sizeBytes?: number;
  readonly sha256?: string;
  /** Where the publisher lists the sums of his files, when nobody verified one of them for imcloud. */
  readonly sumsUrl?: string;
  /** Tags such as `pi4-64bit`; none: nobody says. */
  readonly boards: readonly string[];
  readonly architecture: "arm64" | "armhf" | "";
  /** How it takes settings before its first boot, as the list says it; none: nobody says. */
  readonly initFormat?: string;
  /** A key of `RELEASES`, if imcloud knows the release. */
  readonly release?: string;
  /** What somebody should know before. */
  readonly warning?: string;
}

/** @example idOf("https://…/2025-10-01-raspios-trixie-arm64-lite.img.xz") // "2025-10-01-raspios-trixie-arm64-lite" */
export function idOf(url: string): string {
  const file = decodeURIComponent(url.split(/[?#]/)[0]?.split("/").at(-1) ?? "");
  return file.replace(/(\.(img|wic|raw))?(\.(xz|gz|zst|zip))?$/i, "");
}

const DEBIANS: Readonly<Record<string, string>> = {
  buster: "debian-10",
  bullseye: "debian-11",
  bookworm: "debian-12",
  trixie: "debian-13",
};

/** The release that an image's name tells. */
export function releaseOf(name: string): string | undefined {
  const ubuntu = /ubuntu-(\d\d\.\d\d)/i.exec(name)?.[1];
  if (ubuntu !== undefined) return `ubuntu-${ubuntu}`;
  const debian = /raspios|raspbian/i.test(name)
    ? Object.keys(DEBIANS).find((word) => name.toLowerCase().includes(word))
    : undefined;
  return debian === undefined ? undefined : DEBIANS[debian];
}

/** As the list has it, or as file names have it. */
export function architectureOf(listed: string | undefined, name: string): CatalogueImage["architecture"] {
  if (listed === "armv8" || listed === "arm64" || listed === "aarch64") return "arm64";
  if (listed === "armhf" || listed === "armv6" || listed === "armv7") return "armhf";
  if (/arm64|aarch64/.test(name)) return "arm64";
  return name.includes("armhf") ? "armhf" : "";
}
