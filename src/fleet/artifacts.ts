/**
 * The two large files that a board gets: the server's runtime and the server itself.
 *
 * The runtime comes from the npm registry by pinned version and integrity, once for all clouds of this
 * operator; boards need no internet for it. pacote is npm's own library: registry settings, proxies and
 * integrity are what `npm` would make of them.
 */
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Source } from "../board/transport.js";
import { ImcloudError } from "../shared/errors.js";
import { sourceOf } from "./file-notes.js";
import { npmSettings } from "./npm-settings.js";
import { packageRoot } from "../shared/package-root.js";
import { cacheFolder } from "../files/operator-files.js";

export const BUN_VERSION = "1.4.5";

interface Runtime {
  readonly package: string;
  /** Of the package's tarball, as the registry and the lock file have it. */
  readonly integrity: string;
  readonly executable: string;
}

/** By `process.platform` and `process.arch`; boards are `linux-arm64`, virtual boards also `linux-x64`. */
const RUNTIMES: Readonly<Record<string, Runtime>> = {
  "linux-arm64": {
    package: "@oven/bun-linux-aarch64",
    integrity:
      "sha512-4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==",
    executable: "bun",
  },
  "linux-x64": {
    package: "@oven/bun-linux-x64",
    integrity:
      "sha512-IWX9BELoGHAUtMonkeSaNaZwXzRk+oDw6Mk+HBFXd3KHYIBNBsIGRupMZPcgNoDbJpLu6gAJjIoIVPZtt1aJ1g==",
    executable: "bun",
  },
  "darwin-arm64": {
    package: "@oven/bun-darwin-aarch64",
    integrity:
      "sha512-4MIFXHmctH2EhAxLXm2/qxNtv17dFtLJylvaOCsrgq6KSqHTs6eW5YSrJjRbJxYUJaR901fsN8JfZOa+CsWpWQ==",
    executable: "bun",
  },
  "darwin-x64": {
    package: "@oven/bun-darwin-x64",
    integrity:
      "sha512-qkLPMGHZM9NI6CeHTWwVezzmlo6cC4Ta7yUAjYIWXS366qQcOlcp75t2uZyiuVRBMPS0h9qE0tCcvCHGaFqjJg==",
    executable: "bun",
  },
  "win32-x64": {
    package: "@oven/bun-windows-x64",
    integrity:
      "sha512-FNvply651vcE/GHgNWz6mZvhmkwBuu8Hw54oNzA+CQog+HW+542rXQmZqNHRkFxazD9L3xi+iTtvO3engAgJfw==",
    executable: "bun.exe",
  },
};

/** dpkg's names of what boards can be. */
const BOARD_PLATFORMS: Readonly<Record<string, string>> = { arm64: "linux-arm64", amd64: "linux-x64" };

/**
 * What playbooks know as `artifacts.bun` and `artifacts.server`.
 *
 * @param arch the board's, as dpkg names it; empty for one that no runtime exists for
 */
export async function boardArtifacts(
  arch: string,
  fetching: (what: string) => void,
): Promise<Readonly<Record<string, Source>>> {
  const platform = BOARD_PLATFORMS[arch];
  if (platform === undefined) return {};
  // Boards ask at the same time: what one of them has begun is for all.
  const begun = preparing.get(platform) ?? prepare(platform, fetching);
  preparing.set(platform, begun);
  return begun.finally(() => preparing.delete(platform));
}

/**
 * The runtime of a board, fetched if it is not in the cache.
 *
 * @param arch as dpkg names it
 * @throws as {@link runtimeFile}
 */
export function boardRuntime(arch: string, fetching: (what: string) => void): Promise<string> {
  return runtimeFile(BOARD_PLATFORMS[arch] ?? arch, fetching);
}

const preparing = new Map<string, ReturnType<typeof prepare>>();

async function prepare(
  platform: string,
  fetching: (what: string) => void,
): Promise<Readonly<Record<string, Source>>> {
  const bun = await runtimeFile(platform, fetching);
  return {
    bun: { ...(await sourceOf(bun)), gzipPath: await gzipped(bun) },
    server: await sourceOf(builtFile("server.tar")),
  };
}

/**
 * A part of the package that `npm run build` makes: `server.tar` for boards, `server/main.js` for this machine.
 *
 * @throws ImcloudError `config.unreadable` in a checkout that was not built
 */
export function builtFile(name: string): string {
  const path = join(packageRoot(), "dist", name);
  if (existsSync(path)) return path;
  throw new ImcloudError("config.unreadable", `the IM server is not built: there is no ${path}`, {
    hint: "run `npm run build`",
  });
}

/**
 * The runtime's executable for a platform, fetched if it is not in the cache.
 *
 * @param platform such as `linux-arm64`
 * @param fetching called before a download, with what it is
 * @throws ImcloudError `board.unsupported` where there is no runtime, `config.unreadable` when it is not to be had
 */
export async function runtimeFile(platform: string, fetching: (what: string) => void): Promise<string> {
  const runtime = RUNTIMES[platform];
  if (runtime === undefined) {
    throw new ImcloudError("board.unsupported", `the IM server's runtime does not exist for ${platform}`, {
      expected: `one of ${Object.keys(RUNTIMES).join(", ")}`,
      hint: "run the server on a 64-bit machine",
    });
  }
  const folder = join(cacheFolder(), "runtimes", `${runtime.package.split("/")[1] ?? ""}-${BUN_VERSION}`);
  const path = join(folder, runtime.executable);
  if (
    await stat(path).then(
      () => true,
      () => false,
    )
  )
    return path;

  fetching(`${runtime.package} ${BUN_VERSION}`);
  const { default: pacote } = await import("pacote");
  await mkdir(join(cacheFolder(), "runtimes"), { recursive: true });
  const unpacked = await mkdtemp(join(cacheFolder(), "runtimes", "fetching-"));
  try {
    await pacote.extract(`${runtime.package}@${BUN_VERSION}`, unpacked, {
      ...(await npmSettings()),
      integrity: runtime.integrity,
    });
    await mkdir(folder, { recursive: true });
    const executable = join(unpacked, "bin", runtime.executable);
    await chmod(executable, 0o755);
    await rename(executable, path);
    return path;
  } catch (cause) {
    throw new ImcloudError(
      "config.unreadable",
      `the server's runtime \`${runtime.package}\` could not be fetched`,
      {
        found: cause instanceof Error ? cause.message : String(cause),
        hint:
          "see whether `npm view " + runtime.package + "` works on this machine, then run the command again",
        cause,
      },
    );
  } finally {
    await rm(unpacked, { recursive: true, force: true });
  }
}

/** Compressing 107 MB takes two seconds of a core: once, not for every board of a classroom. */
async function gzipped(path: string): Promise<string> {
  const target = `${path}.gz`;
  if (existsSync(target)) return target;
  const part = `${target}.${process.pid}`;
  await pipeline(createReadStream(path), createGzip(), createWriteStream(part));
  await rename(part, target);
  return target;
}
