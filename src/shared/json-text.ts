/** @returns what a text says as JSON; undefined where it is none, as a file is that was cut short */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
