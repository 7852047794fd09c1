/**
 * Apache Kafka as a folder of jars, from Maven Central, once per version, in imcloud's cache.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder } from "../../src/fleet/workspace.js";

const run = promisify(execFile);

const VERSION = "4.3.1";

/** The broker with all that it loads at run time; of the tools only the consumer is used, which needs no more. */
const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>imcloud</groupId><artifactId>test-broker</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${VERSION}</version></dependency>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>${VERSION}</version>
      <exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>
    </dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`;

/** @returns the folder of the jars */
export async function fetchKafka(): Promise<string> {
  const folder = join(cacheFolder(), "kafka", VERSION);
  if (existsSync(folder)) return folder;
  await mkdir(join(cacheFolder(), "kafka"), { recursive: true });
  // Fetched beside and then put in place, all of it or nothing.
  const fetching = await mkdtemp(join(cacheFolder(), "kafka", "fetching-"));
  try {
    await writeFile(join(fetching, "pom.xml"), POM);
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
