/**
 * Folders of jars, from Maven Central, once for each list of them, in imcloud's cache: Apache Kafka, also packed as its
 * makers pack a release, and what the examples need.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { link, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder } from "../../src/files/operator-files.js";
import { hashOf } from "../../src/fleet/file-notes.js";

const run = promisify(execFile);

const VERSION = "4.3.1";

/** What prints the log: to stderr for brokers of tests; for releases what each line comes with. */
const PRINTERS = {
  test: { artifact: "slf4j-simple", group: "org.slf4j", version: "1.7.36" },
  "4.3.1": { artifact: "log4j-slf4j-impl", group: "org.apache.logging.log4j", version: "2.25.4" },
  "3.9.1": { artifact: "slf4j-reload4j", group: "org.slf4j", version: "1.7.36" },
} as const;
type Release = "4.3.1" | "3.9.1";

/** The broker with all that it loads at run time; the tools that are used need no more. */
const pomOf = (
  version: string,
  printer: (typeof PRINTERS)[keyof typeof PRINTERS],
) => `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>imcloud</groupId><artifactId>test-broker</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${version}</version></dependency>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>${version}</version>
      <exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>
    </dependency>
    <dependency><groupId>${printer.group}</groupId><artifactId>${printer.artifact}</artifactId><version>${printer.version}</version></dependency>
  </dependencies>
</project>
`;

/** @returns the folder of the jars */
export function fetchKafka(): Promise<string> {
  return fetchJars(join(cacheFolder(), "kafka", VERSION), pomOf(VERSION, PRINTERS.test));
}

/**
 * An archive of the same layout as Kafka's own, with what a broker needs of it.
 *
 * @returns its path, and its sum in hexadecimal digits
 */
export async function kafkaRelease(version: Release = VERSION): Promise<{ archive: string; sha512: string }> {
  const archive = join(cacheFolder(), "kafka", `kafka_2.13-${version}.tgz`);
  if (!existsSync(archive)) await packRelease(archive, version);
  return { archive, sha512: await hashOf(archive, "sha512") };
}

async function packRelease(archive: string, version: Release): Promise<void> {
  const jars = await fetchJars(`${archive}.jars`, pomOf(version, PRINTERS[version]));
  const part = `${archive}.${process.pid}`;
  const root = `kafka_2.13-${version}`;
  const names = ["--owner=1000", "--group=1000", "--transform", `s,^\\.,${root}/libs,`];
  await run("tar", [
    "--create",
    "--use-compress-program=gzip -1",
    `--file=${part}`,
    ...names,
    "-C",
    jars,
    ".",
  ]);
  try {
    await link(part, archive);
  } catch (error) {
    if (!existsSync(archive)) throw error; // else another test was faster, and may be using its own
  } finally {
    await rm(part);
  }
}

/**
 * @param pom names them, as Maven has it
 * @returns the folder of the jars
 */
export function fetchJarsOf(pom: string): Promise<string> {
  const sum = createHash("sha256").update(pom).digest("hex").slice(0, 12);
  return fetchJars(join(cacheFolder(), "kafka", `jars-${sum}`), pom);
}

async function fetchJars(folder: string, pom: string): Promise<string> {
  if (existsSync(folder)) return folder;
  await mkdir(join(cacheFolder(), "kafka"), { recursive: true });
  // Fetched beside and then put in place, all of it or nothing.
  const fetching = await mkdtemp(join(cacheFolder(), "kafka", "fetching-"));
  try {
    await writeFile(join(fetching, "pom.xml"), pom);
    const copy = ["dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=jars"];
    await run("mvn", ["--quiet", "--batch-mode", ...copy], { cwd: fetching });
    await rename(join(fetching, "jars"), folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error; // else another test was faster
    });
  } finally {
    await rm(fetching, { recursive: true, force: true });
  }
  return folder;
}
