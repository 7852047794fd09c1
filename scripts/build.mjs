/**
 * Builds what is shipped: the CLI (dist/bin, Node) and the IM server (dist/server, Bun).
 * esbuild: one call each, under a second, so `npm ci` and every test can afford it.
 */
import { rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { build } from "esbuild";

await rm("dist", { recursive: true, force: true });

await build({
  entryPoints: { "bin/imcloud": "bin/imcloud.ts", ...(existsSync("test/bench/main.ts") && { "bench/main": "test/bench/main.ts" }) },
  outdir: "dist",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  sourcemap: true,
});

if (existsSync("src/server/main.ts")) {
  await build({
    entryPoints: { "server/main": "src/server/main.ts" },
    outdir: "dist",
    bundle: true,
    format: "esm",
    platform: "node",
    target: "esnext",
    external: ["bun", "bun:*"],
    sourcemap: false,
  });
}
