/**
 * Ubuntu Server for Raspberry Pi boards, which Raspberry Pi's list keeps for a while only.
 *
 * Nobody has verified the sum of one of these files for imcloud, so it comes from the publisher's SHA256SUMS beside the
 * file, whose signature `imcloud image fetch --keys FILE` checks.
 *
 * Sources: addresses as scripts and manuals that fetch these files have them (18.04.5 and 24.04 from several); that
 * 18.04.4 does not start on 8 GB boards: users' reports.
 */
import type { CatalogueImage } from "./image.js";

const SITE = "https://cdimage.ubuntu.com/releases";

interface Listed {
  readonly version: string;
  readonly folder: string;
  readonly suffix: "raspi4" | "raspi";
  readonly boards: readonly string[];
  readonly warning?: string;
}

const PI_4 = ["pi4-64bit"];
const PI_3_AND_4 = ["pi3-64bit", "pi4-64bit"];

const LISTED: readonly Listed[] = [
  {
    version: "18.04.5",
    folder: "18.04",
    suffix: "raspi4",
    boards: PI_4,
    warning: "boards with 8 GB do not start from 18.04.4 and older: take this one or a later release",
  },
  { version: "20.04.5", folder: "20.04", suffix: "raspi", boards: PI_3_AND_4 },
  { version: "22.04.5", folder: "22.04", suffix: "raspi", boards: PI_3_AND_4 },
  { version: "24.04.4", folder: "24.04", suffix: "raspi", boards: [...PI_3_AND_4, "pi5-64bit"] },
];

export const UBUNTU_IMAGES: readonly CatalogueImage[] = LISTED.map(
  ({ version, folder, suffix, boards, warning }): CatalogueImage => {
    const id = `ubuntu-${version}-preinstalled-server-arm64+${suffix}`;
    const at = `${SITE}/${folder}/release`;
    return {
      ...{
        id,
        name: `Ubuntu Server ${version} (64-bit)`,
        description: "Ubuntu Server for Raspberry Pi boards",
      },
      ...{ url: `${at}/${id}.img.xz`, sumsUrl: `${at}/SHA256SUMS`, listedBy: "imcloud" },
      ...{ boards, architecture: "arm64", initFormat: "cloudinit", release: `ubuntu-${folder}` },
      ...(warning !== undefined && { warning }),
    };
  },
);
