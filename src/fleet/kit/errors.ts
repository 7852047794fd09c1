/** What can be wrong with a kit. */
import { ImcloudError } from "../../shared/errors.js";
import { RELEASES } from "../../shared/releases.js";
import { NotServed } from "../../files/download.js";
import { reasonOf } from "../../files/reason.js";
import type { System } from "./systems.js";

/** @example "Raspberry Pi OS bookworm, arm64" */
export const systemInWords = ({ release, arch }: System): string =>
  `${RELEASES[release]?.name ?? release}, ${arch}`;

export function unknownSystem(system: System): ImcloudError {
  return new ImcloudError("cli.usage", `there is no kit for ${systemInWords(system)}`, {
    found: `${system.release} ${system.arch}`,
    expected: `arm64 or amd64, and one of ${Object.keys(RELEASES).join(", ")}`,
    hint: "take a 64-bit image of one of these",
  });
}

export function systemNotKnown(board: string): ImcloudError {
  return new ImcloudError("cli.usage", `nobody knows yet what system \`${board}\` has`, {
    expected: "--image IMAGE, which its card gets; or --release RELEASE",
    hint: "name one of them, or run `imcloud facts` once while the board can be reached",
  });
}

export function imageTellsNothing(image: string): ImcloudError {
  return new ImcloudError("cli.usage", `the name of the image \`${image}\` does not say what system it is`, {
    expected: "an image of `imcloud image list`, or --release RELEASE and --arch ARCHITECTURE beside it",
    hint: "add `--release`, such as `--release debian-12`",
  });
}

export function otherArchives(board: string, names: readonly string[]): ImcloudError {
  return new ImcloudError("config.invalid", `a kit cannot hold all that \`${board}\` installs`, {
    found: `packages of ${names.map((name) => `\`${name}\``).join(", ")}, by \`apt-repository\``,
    expected: "packages of the release's own archive",
    hint: "take these archives out for boards without internet, or reach them through a mirror in your network",
  });
}

export function packagesMissing(system: System, names: readonly string[]): ImcloudError {
  return new ImcloudError(
    "config.invalid",
    `${systemInWords(system)} does not have what its boards are to get`,
    {
      found: `no package ${names.map((name) => `\`${name}\``).join(", ")}`,
      expected: "names of packages in the release's archive",
      hint: "correct the name in your playbook; if it is there now, the mirror is behind: name another with --mirror",
    },
  );
}

export function archiveNotRead(url: string, cause: unknown): ImcloudError {
  const isAbsent = cause instanceof NotServed && cause.status === 404;
  return new ImcloudError("config.unreadable", `packages could not be fetched from ${url}`, {
    found: reasonOf(cause),
    hint: isAbsent
      ? "name an archive that still has them with --mirror (Debian: also --security-mirror)"
      : "see whether this machine reaches that address (HTTP_PROXY names a proxy), then run the command again: it carries on",
    cause,
  });
}

export function kitUnusable(folder: string, found: string, cause?: unknown): ImcloudError {
  return new ImcloudError("fleet.kit-unusable", `${folder} is not a whole kit`, {
    found,
    expected: "a folder that `imcloud kit make` has filled",
    hint: "make it anew, or copy it again",
    cause,
  });
}

export function kitMissing(system: System): ImcloudError {
  return new ImcloudError("fleet.kit-missing", `this machine has no packages for ${systemInWords(system)}`, {
    found: "the playbook `offline`, by which boards install from a kit alone",
    hint: "make a kit where there is internet (`imcloud kit make FOLDER`) and take it in here: `imcloud kit load FOLDER`",
  });
}

export function kitBusy(): ImcloudError {
  return new ImcloudError("config.unreadable", "another command is copying a kit", {
    expected: "one at a time on a machine",
    hint: "wait for it, then run the command again",
  });
}

export function noFolder(folder: string, cause: unknown): ImcloudError {
  return new ImcloudError("config.unreadable", `there can be no folder ${folder}`, {
    found: reasonOf(cause),
    expected: "a folder that you may write to, or a name for a new one",
    hint: "name another one; a stick has to be mounted for you to write to",
    cause,
  });
}

export function noRoom(folder: string, needBytes: number, freeBytes: number): ImcloudError {
  const gb = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  return new ImcloudError("config.unreadable", `there is no room for the kit at ${folder}`, {
    found: `${gb(freeBytes)} free`,
    expected: `${gb(needBytes)} more`,
    hint: "make room there, or name another folder",
  });
}
