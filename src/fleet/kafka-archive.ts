/**
 * Kafka's release archive: no release has a package of it, so it comes from its makers' site, from a mirror or from
 * a file of the operator's, once for all boards and clouds; boards need no internet for it.
 *
 * It is known by its SHA-512, as imcloud.yaml has it or imcloud knows it of the version; else by the signature that
 * the site has beside it. The sum that stands there too only shows damage, not a site that lies about both.
 *
 * Sources: the sums are those of the `.sha512` files at archive.apache.org/dist/kafka, as Strimzi's table of
 * versions (3.9.1) and installers of others (both) have them too.
 */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import type { Source } from "../board/transport.js";
import type { KafkaSource } from "../config/schema.js";
import { ImcloudError } from "../shared/errors.js";
import { download, downloadText, NotServed, WrongChecksum } from "../files/download.js";
import { reasonOf } from "../files/reason.js";
import { cacheFolder, readOptional, writePrivate } from "../files/operator-files.js";
import { hashOf, noteOn, sourceOf } from "./file-notes.js";
import { assertSigned } from "./kafka-signature.js";

const UPSTREAM = "https://archive.apache.org/dist/kafka";

const KNOWN: Readonly<Record<string, string>> = {
  "3.9.1":
    "1ea204ba73411737a275429ca976d440f007ff0957b90b19be41dc5a4bae52617267769be9f0b5791714d0b3c4c760605bd426faea39edd90763585523fa2cfe",
  "4.3.1":
    "c7d7b2318cb51aa0c61d3246a51c349210073c5c9b754947ef965a439f2f939e8600f204e134a75ac31faf3829c9370960ef7c6a9886c8a1dbf0339a21f4c54c",
};

/** The archive has one folder, and in it the program's own library, named after the version. */
const PROGRAM = /^kafka_2\.13-([\d.]+)\/libs\/kafka_2\.13-\1\.jar$/;

/**
 * The archive on this machine, fetched if it is not in the cache.
 *
 * @param folder of imcloud.yaml, where a file is named from
 * @param fetching called before a download, with what it is
 * @throws ImcloudError `config.unreadable`, `fleet.wrong-checksum`, `fleet.wrong-signature`
 */
export async function kafkaArchive(
  version: string,
  source: KafkaSource,
  folder: string,
  fetching: (what: string) => void,
): Promise<Source> {
  const path =
    source.archive === undefined
      ? await fetched(version, source, folder, fetching)
      : await verified(resolve(folder, source.archive), version, source, folder);
  const found = await kafkaVersionIn(path);
  if (found !== version) throw otherVersion(path, found, version);
  return sourceOf(path);
}

/** @throws ImcloudError `config.unreadable` for what is no release archive of Kafka */
export async function kafkaVersionIn(path: string): Promise<string> {
  try {
    const version = await noteOn(path, "kafka-version", () => readVersion(path));
    if (version !== "none") return version;
  } catch (cause) {
    throw notAnArchive(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
  throw notAnArchive(path, "an archive without `kafka_2.13-VERSION/libs/kafka_2.13-VERSION.jar`");
}

async function readVersion(path: string): Promise<string> {
  const unpacking = extract();
  let version = "none";
  unpacking.on("entry", ({ name }, content, next) => {
    version = PROGRAM.exec(name.replace(/^\.\//, ""))?.[1] ?? version;
    content.on("end", next).resume();
  });
  await pipeline(createReadStream(path), createGunzip(), unpacking);
  return version;
}

/** A file of the operator's. What nobody knows the sum of is the operator's to answer for. */
async function verified(path: string, version: string, source: KafkaSource, folder: string): Promise<string> {
  const isThere = await stat(path).then(
    (file) => file.isFile(),
    () => false,
  );
  if (!isThere) {
    throw new ImcloudError("config.unreadable", `there is no file ${path}`, {
      found: "what `kafka.archive` of imcloud.yaml names",
      expected: "a release archive, kafka_2.13-VERSION.tgz",
      hint: "put it there, or take `archive` out: then imcloud downloads it",
    });
  }
  const expected = source.sha512 ?? KNOWN[version];
  const found = expected === undefined ? undefined : await hashOf(path, "sha512");
  if (expected !== undefined && found !== undefined && found !== expected)
    throw wrongChecksum(version, path, found, expected);
  const signature = await readOptional(`${path}.asc`);
  if (source.keys === undefined && (expected !== undefined || signature === undefined)) return path;
  if (signature === undefined) throw withoutSignature(path);
  const signed = { path, version, signedBy: `${path}.asc`, signature: () => Promise.resolve(signature) };
  await assertSigned(signed, { keys: source.keys, folder });
  return path;
}

function withoutSignature(path: string): ImcloudError {
  return new ImcloudError("config.unreadable", `there is no signature ${path}.asc`, {
    found: "`kafka.keys` of imcloud.yaml, which asks for one",
    expected: "the `.asc` file that stands beside the archive where you have it from",
    hint: "put it beside the archive, or take `keys` out",
  });
}

async function fetched(
  version: string,
  { mirror = UPSTREAM, sha512, keys }: KafkaSource,
  folder: string,
  fetching: (what: string) => void,
): Promise<string> {
  const url = `${mirror.replace(/\/+$/, "")}/${version}/kafka_2.13-${version}.tgz`;
  const trusted = sha512 ?? KNOWN[version];
  const path = await cached(url, version, trusted ?? (await besideIt(url, version)), fetching);
  if (trusted !== undefined && keys === undefined) return path;
  const address = `${url}.asc`;
  const signature = () =>
    downloadText(address).catch((error: unknown) => {
      throw notFetched(version, address, error);
    });
  await assertSigned({ path, version, signedBy: address, signature }, { keys, folder });
  return path;
}

function cached(
  url: string,
  version: string,
  expected: string,
  fetching: (what: string) => void,
): Promise<string> {
  const path = join(cacheFolder(), "kafka-archives", `${expected}.tgz`);
  const begun = downloads.get(path) ?? fetchOnce(url, path, version, expected, fetching);
  downloads.set(path, begun);
  return begun.finally(() => downloads.delete(path));
}

/** Boards ask at the same time: what one of them has begun is for all. */
const downloads = new Map<string, Promise<string>>();

async function fetchOnce(
  url: string,
  path: string,
  version: string,
  expected: string,
  fetching: (what: string) => void,
): Promise<string> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (isThere) return path;
  fetching(`Kafka ${version}`);
  try {
    await download(url, path, { checksum: { algorithm: "sha512", digits: expected } });
    return path;
  } catch (error) {
    if (error instanceof WrongChecksum) throw wrongChecksum(version, url, error.found, expected);
    throw notFetched(version, url, error);
  }
}

/** What the site has beside the archive, asked once: a version never changes. */
async function besideIt(url: string, version: string): Promise<string> {
  const address = `${url}.sha512`;
  const notePath = join(cacheFolder(), "kafka-archives", `${encodeURIComponent(address)}`);
  const noted = await readOptional(notePath);
  if (noted !== undefined) return noted.trim();
  const text = await downloadText(address).catch((error: unknown) => {
    throw notFetched(version, address, error);
  });
  const sum = parseSum(text);
  if (sum === undefined) throw notFetched(version, address, new Error("no SHA-512 stands there"));
  await writePrivate(notePath, `${sum}\n`);
  return sum;
}

/** `NAME: 0A33B7BE 7B6F…`, over several lines, as gpg prints it; or `0a33… NAME`, as sha512sum does. */
export function parseSum(text: string): string | undefined {
  const afterName = text.replace(/^[^\n:]*:/, "");
  const digits = /^(?:\s*[0-9a-fA-F]){128}(?![0-9a-fA-F])/.exec(afterName)?.[0];
  return digits?.replaceAll(/\s/g, "").toLowerCase();
}

function wrongChecksum(version: string, where: string, found: string, expected: string): ImcloudError {
  return new ImcloudError(
    "fleet.wrong-checksum",
    `the archive of Kafka ${version} is not what it should be: ${where}`,
    {
      found: `sha512 ${found}`,
      expected: `sha512 ${expected}`,
      hint: "fetch it anew, from another `kafka.mirror` if it stays so; if you trust it, put the sum that was found into `kafka.sha512`",
    },
  );
}

function notFetched(version: string, url: string, cause: unknown): ImcloudError {
  const isAbsent = cause instanceof NotServed && cause.status === 404;
  return new ImcloudError("config.unreadable", `Kafka ${version} could not be fetched from ${url}`, {
    found: reasonOf(cause),
    hint: isAbsent
      ? "see whether there is such a version; `kafka.version` of imcloud.yaml names another, `kafka.mirror` another place"
      : "see whether this machine reaches that address (HTTPS_PROXY names a proxy), then run the command again: it carries on; or give a file: `kafka.archive`",
    cause,
  });
}

function notAnArchive(path: string, found: string, cause?: unknown): ImcloudError {
  return new ImcloudError("config.unreadable", `${path} is not a release archive of Kafka`, {
    found,
    expected: "kafka_2.13-VERSION.tgz, as kafka.apache.org has it under binary downloads",
    hint: "take the binary archive for Scala 2.13, not the source",
    cause,
  });
}

function otherVersion(path: string, found: string, version: string): ImcloudError {
  return new ImcloudError("config.invalid", `${path} holds another Kafka than \`kafka.version\` asks for`, {
    found,
    expected: version,
    hint: "change `kafka.version` of imcloud.yaml, or take it out: then the archive decides",
  });
}
