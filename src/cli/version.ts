import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../shared/package-root.js";

/** Of the package, as npm knows it. */
export function version(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as {
    version: string;
  };
  return version;
}
