/** What can be wrong with an image or a drive, in words. One function an error. */
import { ImcloudError } from "../shared/errors.js";

const WRITABLE = "a disk image: .img, or one packed by xz, gzip, zstd or zip";

export function notAnImage(path: string, found: string): ImcloudError {
  return new ImcloudError("flash.image-unusable", `${path} is not an image that can be written to a drive`, {
    found,
    expected: WRITABLE,
    hint: "see what is there: `imcloud image list` shows images that fit",
  });
}

export function notThere(path: string, cause: unknown): ImcloudError {
  return new ImcloudError("config.unreadable", `there is no image ${path}`, {
    found: cause instanceof Error ? cause.message : String(cause),
    hint: "name an image file, or one of those that `imcloud image list` shows",
    cause,
  });
}

export function withoutTable(path: string): ImcloudError {
  return notAnImage(path, "no partition table where one should be: it is not the image of a whole card");
}

export function noBootPartition(path: string): ImcloudError {
  return new ImcloudError("flash.image-unusable", `${path} has no FAT partition for settings to be put on`, {
    expected: "an image for Raspberry Pi boards: they start from a FAT partition",
    hint: "take another image, or flash this one without settings",
  });
}

export function bmapNotRead(path: string, cause: unknown): ImcloudError {
  return new ImcloudError("config.unreadable", `there is no bmap file ${path}`, {
    found: cause instanceof Error ? cause.message : String(cause),
    hint: "name the one that came with the image, or leave it out: then all of the image is written",
    cause,
  });
}

export function bmapInvalid(path: string, found: string): ImcloudError {
  return new ImcloudError("flash.image-unusable", `${path} is not a bmap file that imcloud can go by`, {
    found,
    expected: "the format of bmap-tools, version 1.3, 1.4 or 2.0, whole",
    hint: "fetch it anew, or leave it out: then all of the image is written",
  });
}

export function imageDamaged(path: string, found: string, cause?: unknown): ImcloudError {
  return new ImcloudError("flash.image-damaged", `${path} cannot be read to its end`, {
    found,
    hint: "it is damaged or came incomplete: fetch it anew",
    cause,
  });
}

export function wrongSum(path: string, found: string, expected: string): ImcloudError {
  return new ImcloudError("flash.image-damaged", `${path} is not what its publisher says it is`, {
    found: `sha256 ${found}`,
    expected: `sha256 ${expected}`,
    hint: "fetch it anew; no drive boots from what was written of it",
  });
}

export function imageChanged(path: string): ImcloudError {
  return new ImcloudError("flash.image-damaged", `${path} changed while it was read`, {
    hint: "let nothing else write to it, and flash again",
  });
}

export function drivesUnknown(program: string, said: string, cause?: unknown): ImcloudError {
  return new ImcloudError("flash.target-refused", "this machine does not tell its drives", {
    found: `${program}: ${said.trim() || "could not be started"}`,
    hint:
      program === "lsblk"
        ? "install util-linux 2.31 or later, or write to an image file"
        : `see what \`${program}\` says by itself, or write to an image file`,
    cause,
  });
}

/** @param system by `process.platform` */
export function filesAlone(system: string): ImcloudError {
  const name = system === "win32" ? "Windows" : system;
  return new ImcloudError("flash.target-refused", `on ${name} imcloud writes to image files alone`, {
    expected: "Linux or macOS, where drives are to be written",
    hint: "write an image file with `--to card.img`, and put that on a card by another program",
  });
}

/** macOS guards removable volumes from programs that the operator has not let at them, root's included. */
export function notPermitted(drive: string, cause: unknown): ImcloudError {
  return new ImcloudError("flash.target-refused", `macOS does not let this terminal write to \`${drive}\``, {
    found: cause instanceof Error ? cause.message : String(cause),
    hint: "allow it in System Settings, Privacy & Security, Files and Folders: removable volumes; else Full Disk Access",
    cause,
  });
}

export function unknownDrive(word: string, meant: string | undefined): ImcloudError {
  return new ImcloudError("flash.target-refused", `there is no drive \`${word}\``, {
    expected: "an id that `imcloud drives` shows, a path below /dev, or a file such as card.img",
    hint:
      meant === undefined
        ? "run `imcloud drives`; a card that is not there sits badly in its reader"
        : `did you mean \`${meant}\`?`,
  });
}

export function notADrive(word: string, whole: string | undefined): ImcloudError {
  return new ImcloudError("flash.target-refused", `${word} is no whole drive and no file`, {
    found: whole === undefined ? "something else" : `a part of \`${whole}\``,
    expected: "a whole drive: an image brings its own partitions",
    hint: whole === undefined ? "run `imcloud drives` to see what there is" : `name \`${whole}\``,
  });
}

export function namedTwice(drive: string): ImcloudError {
  return new ImcloudError("cli.usage", `\`${drive}\` is named twice`, { hint: "name each target once" });
}

export function refusedDrive(drive: string, why: string): ImcloudError {
  return new ImcloudError("flash.target-refused", `\`${drive}\` is not written to: ${why}`, {
    hint: "choose another drive: `imcloud drives` shows those that can be written to",
  });
}

export function mountedDrive(drive: string, mounts: readonly string[]): ImcloudError {
  return new ImcloudError("flash.target-refused", `\`${drive}\` is mounted`, {
    found: mounts.join(", "),
    hint: "look whether you need what is there; then unmount it, or give `--unmount`",
  });
}

export function anotherDrive(drive: string, found: string, expected: string): ImcloudError {
  return new ImcloudError("flash.target-refused", `\`${drive}\` is not the drive that was asked about`, {
    found,
    expected,
    hint: "it was changed in between; run the command again and read the plan",
  });
}

export function cardOfThisRun(card: string, serial: string): ImcloudError {
  return new ImcloudError("flash.target-refused", `\`${card}\` was written a moment ago`, {
    found: `its serial number ${serial}`,
    hint: "take it out, and put in a card that is still to be written",
  });
}

/** @param readers at whose place there are others too, as far as the machine tells */
export function readersAlike(readers: readonly string[]): ImcloudError {
  return new ImcloudError("flash.target-refused", "this machine does not tell these readers apart", {
    found: `${readers.map((reader) => `\`${reader}\``).join(", ")}: more than one drive at one port`,
    expected: "readers of which it is known into which of them a card was put",
    hint: "leave a card in one of them alone, or give as many drives as boards",
  });
}

export function noCardCame(boards: readonly string[], minutes: number): ImcloudError {
  return new ImcloudError("flash.no-card", `no card came for ${boards.join(", ")}`, {
    found: `none that could be written to in ${minutes} minute${minutes === 1 ? "" : "s"}`,
    hint: `have cards ready, and run the command again with \`--on ${boards.join(" ")}\``,
  });
}

export function stoppedBefore(boards: readonly string[]): ImcloudError {
  return new ImcloudError("flash.interrupted", `stopped before there was a card for ${boards.join(", ")}`, {
    hint: `run the command again with \`--on ${boards.join(" ")}\``,
  });
}

export function notAllowedHere(path: string): ImcloudError {
  return new ImcloudError(
    "flash.target-refused",
    `${path} is not among the targets that this machine allows`,
    {
      found: "the variable IMCLOUD_FLASH_ONLY",
      hint: "add its path there, separated by a colon",
    },
  );
}

export function tooSmall(drive: string, haveBytes: number, needBytes: number | undefined): ImcloudError {
  return new ImcloudError("flash.target-refused", `\`${drive}\` is too small for the image`, {
    found: `${haveBytes} bytes`,
    expected: needBytes === undefined ? "more" : `at least ${needBytes} bytes`,
    hint: "take a larger one",
  });
}

export function targetBusy(drive: string, cause?: unknown): ImcloudError {
  return new ImcloudError("flash.target-busy", `\`${drive}\` is in use`, {
    found: "another program holds it: a mounted file system, or another flash",
    hint: "unmount it, or wait until the other one is done",
    cause,
  });
}

export function noRoom(path: string, cause?: unknown): ImcloudError {
  return new ImcloudError("flash.write-failed", `the disk is full: ${path}`, {
    hint: "make room there, or choose another place",
    cause,
  });
}

/** @param offset where, in bytes from the start */
export function writeFailed(drive: string, offset: number, cause: unknown): ImcloudError {
  return new ImcloudError("flash.write-failed", `\`${drive}\` refuses to be written at ${placeOf(offset)}`, {
    found: cause instanceof Error ? cause.message : String(cause),
    hint: "try another reader or USB port; if it stays so, the card is worn out",
    cause,
  });
}

export function readFailed(drive: string, offset: number, cause: unknown): ImcloudError {
  return new ImcloudError("flash.verify-failed", `\`${drive}\` cannot be read back at ${placeOf(offset)}`, {
    found: cause instanceof Error ? cause.message : String(cause),
    hint: "try another reader or USB port; if it stays so, the card is worn out",
    cause,
  });
}

export function standsStill(drive: string, offset: number, seconds: number): ImcloudError {
  return new ImcloudError("flash.write-failed", `\`${drive}\` does not answer at ${placeOf(offset)}`, {
    found: `nothing for ${seconds} seconds`,
    hint: "pull it out and put it in again; if it stays so, the card or its reader is broken",
  });
}

export function readsOtherwise(drive: string, offset: number, wrongBytes: number): ImcloudError {
  return new ImcloudError(
    "flash.verify-failed",
    `\`${drive}\` gives back something else than was written, first at ${placeOf(offset)}`,
    {
      found: `${wrongBytes} bytes in blocks that differ`,
      hint: "try another reader or USB port; if it stays so, do not use this card",
    },
  );
}

export function fakeCapacity(drive: string, saysBytes: number | undefined, keepsBytes: number): ImcloudError {
  return new ImcloudError(
    "flash.verify-failed",
    `\`${drive}\` holds less than it says: a card with a forged size`,
    {
      found: `keeps about ${placeOf(keepsBytes)}`,
      ...(saysBytes !== undefined && { expected: placeOf(saysBytes) }),
      hint: "give it back to who sold it; whatever lies beyond is lost as soon as it is written",
    },
  );
}

export function interrupted(drive: string): ImcloudError {
  return new ImcloudError("flash.interrupted", `writing \`${drive}\` was stopped`, {
    found: "no partition table: nothing boots from it",
    hint: "run the command again to write it anew",
  });
}

export function notBuilt(program: string): ImcloudError {
  return new ImcloudError("config.unreadable", `imcloud is not built: there is no ${program}`, {
    hint: "run `npm run build`",
  });
}

export function writerEnded(how: string): ImcloudError {
  return new ImcloudError("flash.write-failed", "the process that writes ended before its work was done", {
    found: how,
    hint: "drives are written as root: run the command where sudo lets you, or as root",
  });
}

/** Of a drive or a file. @example placeOf(1_500_000_000) // "1.50 GB" */
export function placeOf(bytes: number): string {
  if (bytes < 1e6) return `${bytes} bytes`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
