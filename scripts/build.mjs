/**
 * Builds what is shipped: the CLI (dist/bin, Node) and the IM server (dist/server, Bun) with its pages.
 * esbuild: one call each, under a second, so `npm ci` and every test can afford it.
 */
import { createWriteStream, existsSync, rmSync } from "node:fs";
import { readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { build } from "esbuild";
import { pack } from "tar-stream";
import { buildWeb } from "./build-web.mjs";

// Built beside and then put in place: somebody may be running the one before.
const out = `dist.${process.pid}`;
process.on("exit", () => rmSync(out, { recursive: true, force: true }));

await build({
  entryPoints: {
    "bin/imcloud": "bin/imcloud.ts",
    ...(existsSync("test/bench/main.ts") && {
      "bench/main": "test/bench/main.ts",
      "fault/prepare-emulated": "test/fault/prepare-emulated.ts",
    }),
  },
  outdir: out,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  // What is bundled may be CommonJS and ask for what that has.
  banner: {
    js:
      'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' +
      'import { fileURLToPath as __path } from "node:url"; const __dirname = __path(new URL(".", import.meta.url));',
  },
  plugins: [
    bundlingOnly([
      "chalk",
      "commander",
      "execa",
      "fastest-levenshtein",
      "liquidjs",
      "p-limit",
      "ssh-config",
      "ssh2",
      "tar-stream",
      "yaml",
      "zod",
    ]),
  ],
  sourcemap: true,
});

if (existsSync("src/server/main.ts")) {
  await build({
    entryPoints: {
      "server/main": "src/server/main.ts",
      "server/writer": "src/server/store/sqlite/writer-thread.ts",
      "server/thumbnailer": "src/server/workers/thumbnailer.ts",
    },
    outdir: out,
    bundle: true,
    // What a server does not use (a broker's client has a megabyte) it does not load.
    splitting: true,
    chunkNames: "server/[name]-[hash]",
    format: "esm",
    platform: "node",
    target: "esnext",
    external: ["bun", "bun:*", "pg-native"],
    // The same code with its WebAssembly within: the other one reads it from a file beside itself.
    alias: { "@platformatic/wasm-utils": "@platformatic/wasm-utils/bundled" },
    // CommonJS dependencies ask for Node's modules by `require`.
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: false,
  });
  await addCodecs();
  await buildWeb(`${out}/server/web`);
  await packServer();
}

await rm("dist", { recursive: true, force: true });
await rename(out, "dist");

/**
 * Libraries that most commands load go into the bundle: finding and reading their hundreds of files takes longer
 * than running them (a plan that finds nothing to do: 520 ms with all outside, 410 ms so). The others stay packages.
 */
function bundlingOnly(names) {
  return {
    name: "bundling-only",
    setup({ onResolve }) {
      // Native code that ssh2 works without: like this it does the same wherever it is installed.
      onResolve({ filter: /\.node$|^cpu-features$/ }, ({ path }) => ({ path, external: true }));
      onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => {
        if (kind === "entry-point" || importer.includes("node_modules")) return undefined;
        const name = path
          .split("/")
          .slice(0, path.startsWith("@") ? 2 : 1)
          .join("/");
        return names.includes(name) ? undefined : { path, external: true };
      });
    },
  };
}

/** What makes thumbnails lies beside the code that runs it: 15 MB of WebAssembly, compressed to a third. */
async function addCodecs() {
  const codecs = await readFile(fileURLToPath(import.meta.resolve("@imagemagick/magick-wasm/magick.wasm")));
  await writeFile(`${out}/server/magick.wasm.gz`, await promisify(gzip)(codecs));
}

/** What boards get: one archive, equal for equal sources, so that it is sent only when something changed. */
async function packServer() {
  const archive = pack();
  for (const name of (await readdir(`${out}/server`, { recursive: true })).sort()) {
    const mtime = new Date(0);
    if ((await stat(`${out}/server/${name}`)).isDirectory())
      archive.entry({ name, type: "directory", mode: 0o755, mtime });
    else archive.entry({ name, mode: 0o644, mtime }, await readFile(`${out}/server/${name}`));
  }
  archive.finalize();
  await pipeline(archive, createWriteStream(`${out}/server.tar`));
}
