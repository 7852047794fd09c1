/**
 * Counts which of the specification's operations, and which of the errors that it gives each, the tests have met, and
 * validates every answer that they got.
 *
 * usage: tally.ts EXCHANGES     counts; exit code 1 when something is missing or an answer is not as specified
 *        tally.ts --derive      writes operations.txt anew from the specification
 */
import { readFileSync, writeFileSync } from "node:fs";
import { Checker } from "./checker.js";
import { OPERATIONS, readLeftOut, readOperations, type Operation } from "./operations.js";
import type { Exchange } from "./record.js";
import { readSpec, SPEC_FOLDER } from "./spec.js";

const shown = ({ name, errors }: Operation) => [name, ...errors].join(" ");

function derive(): string {
  const spec = readSpec();
  if (spec === undefined) throw new Error(`there is no specification in ${SPEC_FOLDER}`);
  return `${spec.map(shown).join("\n")}\n`;
}

async function main(file: string): Promise<boolean> {
  const operations = readOperations();
  const leftOut = readLeftOut();
  const spec = readSpec();
  const problems = [...leftOut]
    .filter((name) => !operations.some((operation) => name === operation.name || isAnswerOf(operation, name)))
    .map((name) => `left-out.yaml names what is no operation: ${name}`);
  if (spec !== undefined && derive() !== readFileSync(OPERATIONS, "utf8"))
    problems.push("operations.txt is not what the specification says: run tally.ts --derive");

  const checker = new Checker();
  const met = new Set<string>();
  const faults = new Map<string, number>();
  let validated = 0;
  let unvalidated = 0;
  for (const line of readFileSync(file, "utf8").trimEnd().split("\n")) {
    const exchange = JSON.parse(line) as Exchange;
    const { status, isHostile } = exchange;
    const verdict = await checker.check(exchange);
    if (verdict === undefined) continue;
    const { operation: name, fault, isValidated } = verdict;
    if (!isHostile) met.add(status < 400 ? name : `${name} ${status}`);
    if (!isValidated || (leftOut.has(`${name} 200`) && status === 200)) {
      unvalidated += 1;
      continue;
    }
    validated += 1;
    if (fault === undefined) continue;
    const text = `${name}, ${status}: ${fault}`;
    faults.set(text, (faults.get(text) ?? 0) + 1);
  }

  const wanted = operations.map(({ name }) => name).filter((name) => !leftOut.has(name));
  const pairs = operations
    .filter(({ name }) => !leftOut.has(name))
    .flatMap(({ name, errors }) => errors.map((status) => `${name} ${status}`))
    .filter((pair) => !leftOut.has(pair));
  problems.push(
    ...[...faults].map(([text, times]) => `${times === 1 ? "once" : `${times} times`}: ${text}`),
    ...[...wanted, ...pairs].filter((name) => !met.has(name)).map((name) => `no test meets: ${name}`),
    ...[...leftOut].filter((name) => met.has(name)).map((name) => `left out, and met all the same: ${name}`),
  );
  for (const problem of problems) console.error(problem);
  const count = (names: readonly string[]) =>
    `${names.filter((name) => met.has(name)).length}/${names.length}`;
  const rest = unvalidated === 0 ? "" : `, ${unvalidated} without a schema to validate them by`;
  if (spec === undefined)
    console.error(`there is no specification in ${SPEC_FOLDER}: no answer was validated`);
  console.log(`${count(wanted)} operations, ${count(pairs)} errors, ${validated} responses validated${rest}`);
  return problems.length === 0;
}

const isAnswerOf = ({ name, errors }: Operation, pair: string) =>
  [200, ...errors].some((status) => pair === `${name} ${status}`);

const [argument = ""] = process.argv.slice(2);
if (argument === "--derive") writeFileSync(OPERATIONS, derive());
else if (!(await main(argument))) process.exitCode = 1;
