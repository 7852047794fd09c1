/**
 * The last net below the type `Secret`: what a program on a board prints may hold a secret that it was given.
 *
 * Short values are left alone: three letters that happen to be somebody's password are in every other word.
 */
import type { Secret } from "./secret.js";

const SHORTEST = 6;

/** Takes secrets out of a text, or out of every text in a plain value, however deep. */
export type Redact = <T>(value: T) => T;

/** @example redactor([new Secret("open sesame")])("say open sesame") // "say ***" */
export function redactor(secrets: Iterable<Secret>): Redact {
  const values = [...secrets]
    .map((secret) => secret.reveal())
    .filter((value) => value.length >= SHORTEST)
    // A secret that holds another one goes first, else its rest would stay.
    .sort((one, other) => other.length - one.length);
  const redact = (value: unknown): unknown => {
    if (typeof value === "string")
      return values.reduce((text, secret) => text.replaceAll(secret, "***"), value);
    if (Array.isArray(value)) return value.map(redact);
    // Only plain objects: an error or a date is not ours to rebuild.
    if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype)
      return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redact(inner)]));
  };
  return <T>(value: T) => redact(value) as T;
}
