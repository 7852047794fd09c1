/** What can be wrong with lists of images, and with fetching one. */
import { reasonOf } from "../../files/reason.js";
import { ImcloudError } from "../../shared/errors.js";

export function listInvalid(where: string, found: string, expected: string, cause: unknown): ImcloudError {
  return new ImcloudError("flash.catalogue-invalid", `${where} is not a list of images`, {
    found,
    expected,
    hint: "name another one by `--list`, or leave it out for Raspberry Pi's own",
    cause,
  });
}

export function listNotRead(where: string, cause: unknown): ImcloudError {
  return new ImcloudError("flash.not-fetched", `the list of images could not be read: ${where}`, {
    found: reasonOf(cause),
    hint: "see whether this machine reaches that address (HTTPS_PROXY names a proxy); `--list FILE` takes a copy, `--image FILE` needs none",
    cause,
  });
}

export function unknownImage(id: string, meant: string | undefined): ImcloudError {
  return new ImcloudError("flash.image-unusable", `there is no image \`${id}\``, {
    expected: "a file, an address, or an id that `imcloud image list` shows",
    hint: meant === undefined ? "run `imcloud image list --all`" : `did you mean \`${meant}\`?`,
  });
}

export function notFetched(url: string, cause: unknown): ImcloudError {
  return new ImcloudError("flash.not-fetched", `${url} could not be fetched`, {
    found: reasonOf(cause),
    hint: "see whether this machine reaches that address (HTTPS_PROXY names a proxy), then run the command again: it carries on",
    cause,
  });
}

export function fetchBusy(id: string, seconds: number): ImcloudError {
  return new ImcloudError(
    "flash.not-fetched",
    `another command has been fetching ${id} for ${seconds / 60} minutes`,
    {
      hint: "see what it waits for, or end it",
    },
  );
}

export function cacheFull(path: string, cause: unknown): ImcloudError {
  return new ImcloudError("flash.not-fetched", `the disk is full: ${path}`, {
    hint: "make room there, or name another folder by IMCLOUD_CACHE; what is there is carried on from",
    cause,
  });
}

export function wrongPackedSum(url: string, found: string, expected: string): ImcloudError {
  return new ImcloudError(
    "flash.image-damaged",
    `what came from ${url} is not what its publisher says it is`,
    {
      found: `sha256 ${found}`,
      expected: `sha256 ${expected}`,
      hint: "nothing of it was kept; fetch it anew, from another mirror if it stays so",
    },
  );
}

export function notInSums(file: string, sumsUrl: string): ImcloudError {
  return new ImcloudError("flash.not-fetched", `${sumsUrl} does not list ${file}`, {
    hint: "the publisher may have a newer one: `imcloud image import URL --sha256 SUM` adds it",
  });
}

export function sumsNotSigned(sumsUrl: string, keys: string, cause: Error): ImcloudError {
  return new ImcloudError("flash.image-damaged", `${sumsUrl} is not signed as it should be`, {
    found: cause.message,
    expected: `a signature by one of the keys of ${keys}`,
    hint: "fetch it from the publisher himself, and his keys from elsewhere",
    cause,
  });
}

export function notCached(id: string): ImcloudError {
  return new ImcloudError("flash.not-fetched", `${id} is not in the cache`, {
    hint: `run \`imcloud image fetch ${id}\``,
  });
}

export function nothingToVerifyBy(path: string): ImcloudError {
  return new ImcloudError("flash.image-unusable", `nobody has told what ${path} should be`, {
    hint: "add it by `imcloud image import FILE --sha256 SUM`, with the sum that its publisher tells",
  });
}

export function importInvalid(flag: string, found: string, expected: string): ImcloudError {
  return new ImcloudError("cli.usage", `\`${flag}\` is not what is needed there`, {
    found,
    expected,
    hint: "correct it; a publisher lists sums beside his files, as SHA256SUMS or FILE.sha256",
  });
}
