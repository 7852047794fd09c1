/** Which of the specification's operations an answer is of, and whether it is as that says. */
import { readOperations, type Operation } from "./operations.js";
import type { Exchange } from "./record.js";
import { readSpec, Schemas } from "./spec.js";

export interface Verdict {
  /** Its name, as in operations.txt. */
  readonly operation: string;
  /** What is wrong with the answer; undefined where nothing is, or where nothing says how it has to be. */
  readonly fault: string | undefined;
  readonly isValidated: boolean;
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

/** Validates by the specification's schemas; where those are absent, nothing is validated. */
export class Checker {
  readonly #schemas = new Schemas();
  readonly #schemasOf = new Map(readSpec()?.map(({ name, schemas }) => [name, schemas]));
  readonly #operationOf = matcher(readOperations());

  get hasSpecification(): boolean {
    return this.#schemasOf.size > 0;
  }

  /** @returns undefined where it is no operation of the specification */
  async check(exchange: Exchange): Promise<Verdict | undefined> {
    const operation = this.#operationOf(exchange);
    if (operation === undefined) return undefined;
    const { status, body } = exchange;
    // A missing or wrong token is a standard error also where the specification has 401 for the ways to prove oneself.
    const schema = isTokenError(body) ? undefined : this.#schemasOf.get(operation)?.get(status);
    if (!this.hasSpecification || body === undefined || (schema === undefined && status < 400))
      return { operation, fault: undefined, isValidated: false };
    const fault = schema === undefined ? faultOfError(body) : await this.#schemas.fault(schema, body);
    return { operation, fault, isValidated: true };
  }
}
