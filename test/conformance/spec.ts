/**
 * What the Matrix specification says of its operations, read from its machine-readable part, which is no part of this
 * project: `../shared/matrix-spec`, or where IMCLOUD_MATRIX_SPEC says.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { parse } from "yaml";
import type { Operation } from "./operations.js";

/** Absent where nobody has put it there. */
export const SPEC_FOLDER =
  process.env["IMCLOUD_MATRIX_SPEC"] ?? resolve(import.meta.dirname, "../../../shared/matrix-spec");

interface Documented extends Operation {
  /** Of the answer's schema by its status, where that is JSON: a URI with a JSON pointer. */
  readonly schemas: ReadonlyMap<number, string>;
}

interface Described {
  readonly servers?: readonly { readonly variables?: { readonly basePath?: { readonly default: string } } }[];
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses?: Readonly<Record<string, unknown>> }>>>
  >;
}

const METHODS = ["get", "put", "post", "delete"];

/** @returns undefined where the folder is absent */
export function readSpec(): readonly Documented[] | undefined {
  const folder = join(SPEC_FOLDER, "data/api/client-server");
  if (!existsSync(folder)) return undefined;
  const operations = new Map<string, Documented>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".yaml")))
    for (const { name, errors, schemas } of operationsOf(join(folder, file))) {
      // Some are described twice, for two kinds of request.
      const other = operations.get(name);
      operations.set(name, {
        name,
        errors: [...new Set([...errors, ...(other?.errors ?? [])])].sort((a, b) => a - b),
        schemas: new Map([...schemas, ...(other?.schemas ?? [])]),
      });
    }
  return [...operations.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function operationsOf(file: string): Documented[] {
  const { servers, paths } = parse(readFileSync(file, "utf8")) as Described;
  const base = servers?.[0]?.variables?.basePath?.default ?? "";
  return Object.entries(paths).flatMap(([path, methods]) =>
    METHODS.flatMap((method) => {
      const responses = methods[method]?.responses;
      if (responses === undefined) return [];
      const statuses = Object.keys(responses).map(Number).filter(Number.isInteger);
      const schemas = statuses.flatMap((status): [number, string][] => {
        const pointer = ["paths", path, method, "responses", String(status), "content", "application/json"];
        const content = (responses[status] as { content?: Record<string, unknown> }).content;
        if (content?.["application/json"] === undefined) return [];
        return [[status, `${pathToFileURL(file).href}#/${[...pointer, "schema"].map(escaped).join("/")}`]];
      });
      return [
        {
          name: `${method.toUpperCase()} ${base}${path.trimEnd()}`,
          errors: statuses.filter((status) => status >= 400 && status < 500),
          schemas: new Map(schemas),
        },
      ];
    }),
  );
}

/** RFC 6901, in a URI's fragment. */
const escaped = (part: string) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));

/** Compiles the specification's schemas, which refer to one another by file. */
export class Schemas {
  readonly #ajv = new Ajv2020({
    strict: false,
    allErrors: true,
    validateFormats: false,
    // References are relative to the file that they are in.
    loadSchema: (uri) =>
      Promise.resolve({ $id: uri, ...(parse(readFileSync(fileURLToPath(uri), "utf8")) as object) }),
  });
  readonly #compiled = new Map<string, Promise<ValidateFunction>>();

  /** @returns what is wrong with an answer, in words; undefined when nothing is */
  async fault(schema: string, body: unknown): Promise<string | undefined> {
    let compiling = this.#compiled.get(schema);
    if (compiling === undefined) {
      compiling = this.#ajv.compileAsync({ $ref: schema });
      this.#compiled.set(schema, compiling);
    }
    const validate = await compiling;
    return validate(body) ? undefined : this.#ajv.errorsText(validate.errors, { dataVar: "answer" });
  }
}
