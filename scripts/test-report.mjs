/**
 * What a report of vitest's JSON reporter comes to: prints how many tests passed and how many failed, and says on
 * standard error which ones failed. A file that failed before any of its tests did counts as one.
 *
 * usage: node scripts/test-report.mjs REPORT
 */
import { readFileSync } from "node:fs";
import { relative } from "node:path";

const { numPassedTests, testResults } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const firstLine = (text) => text.split("\n").find((line) => line.trim() !== "") ?? "";

const failures = testResults
  .filter(({ status }) => status === "failed")
  .flatMap(({ name, message, assertionResults }) => {
    const file = relative(process.cwd(), name);
    const tests = assertionResults.filter(({ status }) => status === "failed");
    if (tests.length === 0) return [`${file}: ${firstLine(message)}`];
    return tests.map(
      ({ fullName, failureMessages }) => `${file}: ${fullName}: ${firstLine(failureMessages.join("\n"))}`,
    );
  });
process.stdout.write(`${numPassedTests} ${failures.length}\n`);
process.stderr.write(failures.map((failure) => `${failure}\n`).join(""));
