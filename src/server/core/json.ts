/** JSON values, and the two questions about them that the whole server asks. */

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}

/** Whether a value is a JSON object: neither null nor a list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export const isEmpty = (object: JsonObject): boolean => Object.keys(object).length === 0;

/** The items of a JSON list; none when it is no list. */
export function itemsOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [];
}

/** The value when it is a string, else undefined: event content is whatever a client sent. */
export function stringOrNone(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
