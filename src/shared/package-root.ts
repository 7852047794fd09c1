/**
 * Where this package lies, so that `templates/` and `playbooks/` are found from `src/` in tests, from
 * `dist/` in a checkout, and from a global installation alike.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** @returns the absolute path of the folder that holds imcloud's package.json, templates and playbooks. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!(existsSync(join(folder, "package.json")) && existsSync(join(folder, "playbooks")))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`no package.json above ${fileURLToPath(import.meta.url)}`);
    folder = parent;
  }
  return folder;
}
