/** @returns what was typed into a field of a form, by its name; empty where there is no such field */
export function field(form: HTMLFormElement, name: string): string {
  const value = new FormData(form).get(name);
  return typeof value === "string" ? value : "";
}
