/**
 * Kafka's archive: from a mirror, from a file, and what is said of one that is not it.
 */
import { createHash } from "node:crypto";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { createMessage, generateKey, sign } from "openpgp";
import { pack } from "tar-stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { renderError } from "../../../src/cli/report-error.js";
import { kafkaArchive, parseSum } from "../../../src/fleet/kafka-archive.js";
import { ImcloudError } from "../../../src/shared/errors.js";
import { files, webServer } from "../files/web-server.js";

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
const sumBeside = (content: Buffer) =>
  `kafka_2.13-${VERSION}.tgz: ${sumOf(content)
    .toUpperCase()
    .replaceAll(/.{8}/g, "$& ")
    .replaceAll(/(.{54})/g, "$1\n     ")}\n`;

const manager = await generateKey({ userIDs: { name: "Release manager" }, format: "object" });
const stranger = await generateKey({ userIDs: { name: "Stranger" }, format: "object" });
/** The armoured signature that stands beside an archive. */
const signatureOf = async (content: Buffer, by = manager) =>
  sign({
    message: await createMessage({ binary: new Uint8Array(content) }),
    signingKeys: by.privateKey,
    detached: true,
  });

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-kafka-archive-"));
  vi.stubEnv("IMCLOUD_CACHE", join(folder, "cache"));
  await writeFile(join(folder, "KEYS"), manager.publicKey.armor());
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

test("from a mirror, by the signature beside it, once for all boards; later without the network", async () => {
  const archive = await archiveOf("kafka_2.13-4.99.0/LICENSE", program(VERSION));
  const path = `/kafka/${VERSION}/kafka_2.13-${VERSION}.tgz`;
  const beside = { [`${path}.sha512`]: sumBeside(archive), [`${path}.asc`]: await signatureOf(archive) };
  const server = await webServer(files({ [path]: archive, ...beside }));
  const [mirror, keys] = [`${server.url}/kafka/`, "KEYS"];
  const [one, other] = await Promise.all([fetchFrom({ mirror, keys }), fetchFrom({ mirror, keys })]);
  expect(one).toEqual(other);
  expect(one).toMatchObject({
    sha256: createHash("sha256").update(archive).digest("hex"),
    sizeBytes: archive.length,
  });
  expect(await readFile(one.path)).toEqual(archive);
  expect(server.requests.filter((request) => request === path)).toHaveLength(1);
  expect(fetched).toContain(`Kafka ${VERSION}`);

  await server[Symbol.asyncDispose]();
  expect(await fetchFrom({ mirror, keys })).toEqual(one);
});

test("a mirror that lies about archive and sum is told apart by the signature", async () => {
  const archive = await archiveOf(program(VERSION));
  const path = `/${VERSION}/kafka_2.13-${VERSION}.tgz`;
  const lie = { [path]: archive, [`${path}.sha512`]: sumBeside(archive) };
  await using server = await webServer(
    files({ ...lie, [`${path}.asc`]: await signatureOf(archive, stranger) }),
  );
  const said = await errorOf(fetchFrom({ mirror: server.url, keys: "KEYS" }));
  expect(said).toContain(
    "error[fleet.wrong-signature]: the archive of Kafka 4.99.0 is not signed as it should be",
  );
  expect(said).toContain("Could not find signing key");
  expect(said).toContain("a signature by one of the keys of KEYS");

  await using bare = await webServer(files(lie));
  expect(await errorOf(fetchFrom({ mirror: bare.url, keys: "KEYS" }))).toContain(".tgz.asc");
});

test("without the project's keys nobody can tell, and the sum beside it is not enough", async () => {
  const archive = await archiveOf(program(VERSION));
  const path = `/${VERSION}/kafka_2.13-${VERSION}.tgz`;
  const beside = { [`${path}.sha512`]: sumBeside(archive), [`${path}.asc`]: await signatureOf(archive) };
  await using server = await webServer(files({ [path]: archive, ...beside }));
  // A proxy that lets nobody out.
  vi.stubEnv("https_proxy", server.url);
  vi.stubEnv("no_proxy", "127.0.0.1");
  const said = await errorOf(fetchFrom({ mirror: server.url }));
  expect(said).toContain(
    "whose Kafka 4.99.0 is cannot be told without https://downloads.apache.org/kafka/KEYS",
  );
  expect(said).toContain("the proxy hangs up: other side closed");
  expect(said).toContain("as `kafka.keys`, or the archive's sum as `kafka.sha512`");
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
  await using server = await webServer(files({ [path]: archive, [`${path}.sha512`]: sumBeside(archive) }));
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

test("a file of the operator's with its signature beside it", async () => {
  const archive = await archiveOf(program(VERSION));
  await writeFile(join(folder, "kafka.tgz"), archive);
  const source = { archive: "kafka.tgz", keys: "KEYS" };
  expect(await errorOf(fetchFrom(source))).toContain(
    `there is no signature ${join(folder, "kafka.tgz.asc")}`,
  );
  await writeFile(join(folder, "kafka.tgz.asc"), await signatureOf(archive));
  expect(await fetchFrom(source)).toMatchObject({ path: join(folder, "kafka.tgz") });
  expect(await errorOf(fetchFrom({ ...source, keys: "NOBODYS" }))).toContain("cannot be read");
  await writeFile(join(folder, "kafka.tgz.asc"), await signatureOf(archive, stranger));
  await writeFile(join(folder, "KEYS"), `${stranger.publicKey.armor()}\n`);
  expect(await fetchFrom(source)).toMatchObject({ path: join(folder, "kafka.tgz") });
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
