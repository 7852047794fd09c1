/**
 * Builds the pages that the IM server serves: bundles with the hash of their content in their names, compressed once
 * here, as a board's processor is small and the files never change.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { build } from "esbuild";

const TYPES = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  png: "image/png",
  svg: "image/svg+xml",
  wasm: "application/wasm",
  webmanifest: "application/manifest+json",
};
const CRYPTO = "node_modules/@matrix-org/matrix-sdk-crypto-wasm/pkg/matrix_sdk_crypto_wasm_bg.wasm";
/** What a picture's own compression leaves nothing of. */
const COMPRESSED = new Set(["png"]);

/**
 * Writes `folder` with every file once as `.br` and once as `.gz`, or as it is where compressing it is useless, and
 * `pages.json`: for each path its file, its type, whether it may be kept for ever, and its tag. src/server/http/pages.ts
 *
 * @param {string} folder
 */
export async function buildWeb(folder) {
  const raw = `${folder}.raw`;
  await mkdir(folder, { recursive: true });
  const { metafile } = await build({
    entryPoints: { page: "src/web/page.tsx", admin: "src/web/admin/page.tsx" },
    outdir: raw,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    target: ["chrome100", "firefox102", "safari15.4"],
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    loader: { ".wasm": "file" },
    // Its package names the code alone to others.
    alias: { "matrix-crypto.wasm": `./${CRYPTO}` },
    publicPath: "/assets",
    jsx: "automatic",
    jsxImportSource: "preact",
    define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
    minify: true,
    metafile: true,
    sourcemap: false,
    tsconfig: "src/web/tsconfig.json",
  });

  const pages = {};
  for (const name of await readdir(raw)) {
    pages[`/assets/${name}`] = await pack(folder, name, await readFile(`${raw}/${name}`), true);
  }
  await rm(raw, { recursive: true });

  const icons = {};
  for (const [key, name] of Object.entries({
    icon: "icon.svg",
    icon192: "icon-192.png",
    icon512: "icon-512.png",
  })) {
    const bytes = await readFile(`src/web/${name}`);
    const hashed = name.replace(".", `-${hash(bytes)}.`);
    pages[`/assets/${hashed}`] = await pack(folder, hashed, bytes, true);
    icons[key] = `/assets/${hashed}`;
  }
  const entries = Object.entries(metafile.outputs);
  const documents = { "/": ["page", "src/web/page.tsx"], "/admin": ["admin", "src/web/admin/page.tsx"] };
  const shell = [];
  for (const [path, [name, entryPoint]] of Object.entries(documents)) {
    const [file, output] = entries.find(([, made]) => made.entryPoint === entryPoint) ?? [];
    if (file === undefined) throw new Error(`nothing was made of ${entryPoint}`);
    const address = (made) => `/assets/${made.split("/").at(-1)}`;
    const values = {
      ...icons,
      script: address(file),
      style: address(output.cssBundle),
      // Asked for along with the script that imports them, not after it: on a slow line that is half a second.
      preload: importedBy(metafile, file)
        .map((made) => `<link rel="modulepreload" href="${address(made)}" />`)
        .join("\n    "),
    };
    const text = fill(await readFile("src/web/page.html", "utf8"), values);
    pages[path] = await pack(folder, `${name}.html`, Buffer.from(text), false);
    if (path === "/") shell.push(values.script, values.style);
  }
  const manifest = fill(await readFile("src/web/manifest.json", "utf8"), icons);
  pages["/manifest.webmanifest"] = await pack(folder, "manifest.webmanifest", Buffer.from(manifest), false);
  pages["/service-worker.js"] = await pack(
    folder,
    "service-worker.js",
    await serviceWorker(
      Object.keys(pages).filter((path) => path.startsWith("/assets/") && !path.endsWith(".wasm")),
    ),
    false,
  );
  await writeFile(`${folder}/pages.json`, JSON.stringify(pages));
}

/** What a script imports at its beginning, and what that imports. */
function importedBy({ outputs }, file, found = new Set()) {
  for (const { path, kind } of outputs[file].imports) {
    if (kind !== "import-statement" || found.has(path)) continue;
    found.add(path);
    importedBy({ outputs }, path, found);
  }
  return [...found];
}

/** The worker knows by name what it keeps for when there is no network: other names are another version. */
async function serviceWorker(assets) {
  const { outputFiles } = await build({
    entryPoints: ["src/web/service-worker.ts"],
    bundle: true,
    write: false,
    format: "iife",
    platform: "browser",
    target: ["chrome100", "firefox102", "safari15.4"],
    define: { ASSETS: JSON.stringify(assets) },
    minify: true,
    tsconfig: "src/web/tsconfig.worker.json",
  });
  return Buffer.from(outputFiles[0].contents);
}

async function pack(folder, name, bytes, isImmutable) {
  const type = TYPES[name.split(".").at(-1)];
  if (type === undefined) throw new Error(`${name}: its type is not known here`);
  const isPlain = COMPRESSED.has(name.split(".").at(-1));
  if (isPlain) await writeFile(`${folder}/${name}`, bytes);
  else {
    const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: quality(bytes) } };
    await writeFile(`${folder}/${name}.br`, await promisify(brotliCompress)(bytes, brotli));
    await writeFile(`${folder}/${name}.gz`, await promisify(gzip)(bytes, { level: 9 }));
  }
  return { file: name, type, isPlain, isImmutable, tag: hash(bytes) };
}

/** The best quality takes ten seconds for the 5 MB of cryptography, and saves a twentieth. */
const quality = (bytes) => (bytes.length > 2_000_000 ? 9 : 11);

const hash = (bytes) => createHash("sha256").update(bytes).digest("hex").slice(0, 8);

const fill = (text, values) => text.replace(/\{\{(\w+)\}\}/g, (_, key) => values[key]);
