/**
 * Counts which of the specification's operations, and which of the errors that it gives each, the tests have met, and
 * validates every answer that they got.
 *
 * usage: tally.ts EXCHANGES     counts; exit code 1 when something is missing or an answer is not as specified
 *        tally.ts --derive      writes operations.txt anew from the specification
 */
import { readFileSync, writeFileSync } from "node:fs";
import { OPERATIONS, readLeftOut, readOperations, type Operation } from "./operations.js";
import type { Exchange } from "./record.js";
import { readSpec, Schemas, SPEC_FOLDER } from "./spec.js";

const shown = ({ name, errors }: Operation) => [name, ...errors].join(" ");

function derive(): string {
  const spec = readSpec();
  if (spec === undefined) throw new Error(`there is no specification in ${SPEC_FOLDER}`);
  return `${spec.map(shown).join("\n")}\n`;
}

/** Finds the operation that a path belongs to; the one with the fewest parameters, where several could be meant. */
function matcher(operations: readonly Operation[]): (exchange: Exchange) => string | undefined {
  const patterns = operations
    .map(({ name }) => ({
      name,
      holes: name.split("{").length,
      // A trailing slash more or less is the same place.
      pattern: new RegExp(
        `^${name
          .replace(/\/$/, "")
          .replaceAll(".", "\\.")
          .replaceAll(/\{\w+\}/g, "[^/]*")}/?$`,
      ),
    }))
    .sort((a, b) => a.holes - b.holes);
  return ({ method, path }) => patterns.find(({ pattern }) => pattern.test(`${method} ${path}`))?.name;
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

  const schemas = new Schemas();
  const schemasOf = new Map(spec?.map(({ name, schemas }) => [name, schemas]));
  const met = new Set<string>();
  const faults = new Map<string, number>();
  let validated = 0;
  let unvalidated = 0;
  const operationOf = matcher(operations);
  for (const line of readFileSync(file, "utf8").trimEnd().split("\n")) {
    const exchange = JSON.parse(line) as Exchange;
    const name = operationOf(exchange);
    if (name === undefined) continue;
    const { status, body, isHostile } = exchange;
    if (!isHostile) met.add(status < 400 ? name : `${name} ${status}`);
    if (leftOut.has(`${name} 200`) && status === 200) {
      unvalidated += 1;
      continue;
    }
    // A missing or wrong token is a standard error also where the specification has 401 for the ways to prove oneself.
    const schema = isTokenError(body) ? undefined : schemasOf.get(name)?.get(status);
    if (spec === undefined || body === undefined || (schema === undefined && status < 400)) {
      unvalidated += 1;
      continue;
    }
    validated += 1;
    const fault = schema === undefined ? faultOfError(body) : await schemas.fault(schema, body);
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

const isTokenError = (body: unknown): boolean =>
  ["M_MISSING_TOKEN", "M_UNKNOWN_TOKEN"].includes(
    String((body as { errcode?: unknown } | undefined)?.errcode),
  );

/** Source: client-server API, "Standard error response". */
function faultOfError(body: unknown): string | undefined {
  const { errcode, error } = body as { errcode?: unknown; error?: unknown };
  const isInteractive = Array.isArray((body as { flows?: unknown }).flows);
  return isInteractive || (typeof errcode === "string" && typeof error === "string")
    ? undefined
    : `no standard error: ${JSON.stringify(body)}`;
}

const [argument = ""] = process.argv.slice(2);
if (argument === "--derive") writeFileSync(OPERATIONS, derive());
else if (!(await main(argument))) process.exitCode = 1;
