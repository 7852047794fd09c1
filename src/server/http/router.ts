/**
 * From a method and a path to an endpoint.
 */
import type { Endpoint } from "./endpoint.js";

interface Node {
  readonly fixed: Map<string, Node>;
  parameter: Node | undefined;
  readonly endpoints: Map<string, { endpoint: Endpoint; names: readonly string[] }>;
}

export type Match =
  | { readonly kind: "found"; readonly endpoint: Endpoint; readonly params: Record<string, string> }
  | { readonly kind: "wrong-method" }
  | { readonly kind: "malformed" }
  | { readonly kind: "unknown" };

export class Router {
  readonly #root = newNode();

  /** @throws Error when two endpoints have one route */
  constructor(endpoints: readonly Endpoint[]) {
    for (const endpoint of endpoints) this.#add(endpoint);
  }

  /** @param path as sent, still percent-encoded, without the query */
  match(method: string, path: string): Match {
    const values: string[] = [];
    let node: Node | undefined = this.#root;
    const segments = segmentsOf(path);
    for (let index = 1; index < segments.length; index++) {
      const segment = segments[index] ?? "";
      const fixed: Node | undefined = node.fixed.get(segment);
      if (fixed === undefined) values.push(segment);
      node = fixed ?? node.parameter;
      if (node === undefined) return { kind: "unknown" };
    }
    if (node.endpoints.size === 0) return { kind: "unknown" };
    const found = node.endpoints.get(method) ?? (method === "HEAD" ? node.endpoints.get("GET") : undefined);
    if (found === undefined) return { kind: "wrong-method" };
    try {
      const params: Record<string, string> = {};
      for (let index = 0; index < values.length; index++)
        params[found.names[index] ?? ""] = decode(values[index] ?? "");
      return { kind: "found", endpoint: found.endpoint, params };
    } catch {
      return { kind: "malformed" }; // a stray % is no encoding
    }
  }

  #add(endpoint: Endpoint): void {
    const names: string[] = [];
    let node = this.#root;
    for (const segment of segmentsOf(endpoint.path).slice(1)) {
      const name = /^\{(\w+)\}$/.exec(segment)?.[1];
      if (name !== undefined) {
        names.push(name);
        node = node.parameter ??= newNode();
      } else {
        const next = node.fixed.get(segment) ?? newNode();
        node.fixed.set(segment, next);
        node = next;
      }
    }
    if (node.endpoints.has(endpoint.method))
      throw new Error(`two endpoints for ${endpoint.method} ${endpoint.path}`);
    node.endpoints.set(endpoint.method, { endpoint, names });
  }
}

const decode = (text: string): string => (text.includes("%") ? decodeURIComponent(text) : text);

const newNode = (): Node => ({ fixed: new Map(), parameter: undefined, endpoints: new Map() });

/**
 * One slash at the end makes no difference: `/pushrules/` has one in the specification, clients forget it.
 *
 * @returns the parts between the slashes; the first is what stands before the first slash, nothing
 */
function segmentsOf(path: string): string[] {
  const segments = path.split("/");
  if (segments.length > 2 && segments.at(-1) === "") segments.pop();
  return segments;
}
