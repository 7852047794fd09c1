/**
 * Kafka's archive: from a mirror, from a file, and what is said of one that is not it.
 */
import { createHash } from "node:crypto";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { renderError } from "../../../src/cli/report-error.js";
import { kafkaArchive, parseSum } from "../../../src/fleet/kafka-archive.js";
import { ImcloudError } from "../../../src/shared/errors.js";
import { files, webServer } from "./web-server.js";

/** Later than every release whose sum imcloud knows. */
const VERSION = "4.99.0";
const program = (version: string) => `kafka_2.13-${version}/libs/kafka_2.13-${version}.jar`;

async function archiveOf(...names: readonly string[]): Promise<Buffer> {
  const tar = pack();
  for (const name of names) tar.entry({ name }, "content");
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
}
const sumOf = (content: Buffer) => createHash("sha512").update(content).digest("hex");
/** As gpg prints it, and as it stands beside the archives. */
const beside = (content: Buffer) =>
  `kafka_2.13-${VERSION}.tgz: ${sumOf(content)
    .toUpperCase()
    .replaceAll(/.{8}/g, "$& ")
    .replaceAll(/(.{54})/g, "$1\n     ")}\n`;

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-kafka-archive-"));
  vi.stubEnv("IMCLOUD_CACHE", join(folder, "cache"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const fetched: string[] = [];
const fetchFrom = (source: Parameters<typeof kafkaArchive>[1], version = VERSION) =>
  kafkaArchive(version, source, folder, (what) => fetched.push(what));

async function errorOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ImcloudError)) throw new Error(`not an error for people: ${String(error)}`);
  return renderError(error, { verbose: false });
}

test("from a mirror, by the sum beside it, once for all boards; later without the network", async () => {
  const archive = await archiveOf("kafka_2.13-4.99.0/LICENSE", program(VERSION));
  const path = `/kafka/${VERSION}/kafka_2.13-${VERSION}.tgz`;
  const server = await webServer(files({ [path]: archive, [`${path}.sha512`]: beside(archive) }));
  const mirror = `${server.url}/kafka/`;
  const [one, other] = await Promise.all([fetchFrom({ mirror }), fetchFrom({ mirror })]);
  expect(one).toEqual(other);
  expect(one).toMatchObject({
    sha256: createHash("sha256").update(archive).digest("hex"),
    sizeBytes: archive.length,
  });
  expect(await readFile(one.path)).toEqual(archive);
  expect(server.requests.filter((request) => request === path)).toHaveLength(1);
  expect(fetched).toContain(`Kafka ${VERSION}`);

  await server[Symbol.asyncDispose]();
  expect(await fetchFrom({ mirror })).toEqual(one);
});

test("by the sum of imcloud.yaml, whatever stands beside it", async () => {
  const archive = await archiveOf(program(VERSION));
  const path = `/${VERSION}/kafka_2.13-${VERSION}.tgz`;
  await using server = await webServer(files({ [path]: archive }));
  await fetchFrom({ mirror: server.url, sha512: sumOf(archive) });
  expect(server.requests).toEqual([path]);
});

test("a mirror whose archive is another is told apart by what imcloud knows, and nothing of it stays", async () => {
  const archive = await archiveOf(program("4.3.1"));
  const path = "/4.3.1/kafka_2.13-4.3.1.tgz";
  await using server = await webServer(files({ [path]: archive, [`${path}.sha512`]: beside(archive) }));
  const said = await errorOf(fetchFrom({ mirror: server.url }, "4.3.1"));
  expect(said).toContain(`error[fleet.wrong-checksum]: the archive of Kafka 4.3.1 is not what it should be`);
  expect(said).toContain(`found     sha512 ${sumOf(archive)}`);
  expect(said).toContain("expected  sha512 c7d7b2318cb51aa0");
  expect(await readdir(join(folder, "cache", "kafka-archives"))).toEqual([]);
});

test("a version that there is not", async () => {
  await using server = await webServer(files({}));
  const said = await errorOf(fetchFrom({ mirror: server.url }));
  expect(said).toContain(`Kafka ${VERSION} could not be fetched from ${server.url}/${VERSION}/`);
  expect(said).toContain("answers 404 Not Found");
  expect(said).toContain("hint: see whether there is such a version");
});

test("a mirror that nobody answers for", async () => {
  const server = await webServer(files({}));
  await server[Symbol.asyncDispose]();
  const said = await errorOf(fetchFrom({ mirror: server.url }));
  expect(said).toContain("ECONNREFUSED");
  expect(said).toContain("HTTPS_PROXY names a proxy");
});

test("a page where the sum should be", async () => {
  const path = `/${VERSION}/kafka_2.13-${VERSION}.tgz`;
  await using server = await webServer(files({ [`${path}.sha512`]: "<html>Welcome to the hotel</html>" }));
  expect(await errorOf(fetchFrom({ mirror: server.url }))).toContain("no SHA-512 stands there");
});

test("a file of the operator's, named from beside imcloud.yaml", async () => {
  const archive = await archiveOf(program(VERSION));
  await writeFile(join(folder, "kafka.tgz"), archive);
  expect(await fetchFrom({ archive: "kafka.tgz", sha512: sumOf(archive) })).toMatchObject({
    path: join(folder, "kafka.tgz"),
  });
  expect(await errorOf(fetchFrom({ archive: "kafka.tgz", sha512: "0".repeat(128) }))).toContain(
    `expected  sha512 ${"0".repeat(128)}`,
  );
  expect(await errorOf(fetchFrom({ archive: "kafka.tgz" }, "4.98.0"))).toContain(
    "kafka.tgz holds another Kafka than `kafka.version` asks for\n  found     4.99.0\n  expected  4.98.0",
  );
});

test.each([
  ["a file that is not there", undefined, "there is no file"],
  ["a file that is no archive", Buffer.from("not packed at all"), "incorrect header check"],
  ["half of an archive", "half", "unexpected end of file"],
  ["the source archive", "source", "an archive without `kafka_2.13-VERSION/libs/kafka_2.13-VERSION.jar`"],
  ["a release for another Scala", "scala", "an archive without `kafka_2.13-VERSION/libs/"],
])("%s is refused", async (_title, kind, message) => {
  const contents: Readonly<Record<string, Buffer>> = {
    half: (await archiveOf(program(VERSION))).subarray(0, 60),
    source: await archiveOf("kafka-4.99.0-src/build.gradle"),
    scala: await archiveOf("kafka_2.12-4.99.0/libs/kafka_2.12-4.99.0.jar"),
  };
  const content = typeof kind === "string" ? contents[kind] : kind;
  if (content !== undefined) await writeFile(join(folder, "it.tgz"), content);
  expect(await errorOf(fetchFrom({ archive: "it.tgz" }))).toContain(message);
});

test("sums are read as gpg and as sha512sum print them", () => {
  const sum = "0a".repeat(64);
  expect(parseSum(`${sum}  kafka.tgz\n`)).toBe(sum);
  expect(parseSum(`kafka.tgz: ${sum.toUpperCase().replaceAll(/.{8}/g, "$& ")}\n`)).toBe(sum);
  expect(parseSum("0a0a kafka.tgz")).toBeUndefined();
  expect(parseSum(`kafka.tgz: ${sum}0a`)).toBeUndefined();
});
