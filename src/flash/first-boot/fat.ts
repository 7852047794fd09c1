/**
 * The FAT partition of an image or card, by mtools: what they write, fsck.vfat calls clean.
 *
 * Contents go by pipe, so that no secret lies in a file of the operator's or in an argument.
 *
 * Source: mtools(1), "@@" and MTOOLS_SKIP_CHECK; mcopy(1) on `-`.
 */
import { execa } from "execa";
import { ImcloudError } from "../../shared/errors.js";
import { Secret } from "../../shared/secret.js";
import type { WrittenTarget } from "../types.js";

const DEADLINE_MS = 60_000;

/** Files of the partition's top folder, by their names. */
export interface FatPartition {
  /** Names as they stand, files and folders. */
  list(): Promise<readonly string[]>;
  /** @returns each octet as a character; undefined where there is no such file */
  read(name: string): Promise<string | undefined>;
  write(name: string, content: string | Secret): Promise<void>;
  /** Writes a file anew if it is to be otherwise; octets that are no text stay what they are. None there is an empty one. */
  edit(name: string, change: (octets: string) => string): Promise<void>;
  remove(name: string): Promise<void>;
}

/** @throws ImcloudError `flash.tool-missing`, and `flash.partition-damaged` with mtools' own words, from every method */
export function fatPartition({ path, boot }: Pick<WrittenTarget, "path" | "boot">): FatPartition {
  const image = `${path}@@${boot.offset}`;
  const list = async (): Promise<readonly string[]> => {
    const listed = await mtool(path, "mdir", ["-b", "-i", image, "::/"]);
    return listed.split("\n").flatMap((line) => /^::\/(.+?)\/?$/.exec(line)?.[1] ?? []);
  };
  const find = async (name: string): Promise<string | undefined> => {
    const names = await list();
    // FAT keeps the case of a name and does not tell it apart.
    return names.find((found) => found.toLowerCase() === name.toLowerCase());
  };
  const read = async (name: string): Promise<string | undefined> =>
    (await find(name)) === undefined ? undefined : mtool(path, "mtype", ["-i", image, `::/${name}`]);
  const write = async (name: string, content: Uint8Array): Promise<void> => {
    await mtool(path, "mcopy", ["-o", "-i", image, "-", `::/${name}`], content);
  };
  return {
    list,
    read,
    write: (name, content) =>
      write(name, Buffer.from(content instanceof Secret ? content.reveal() : content)),
    async edit(name, change) {
      const before = (await read(name)) ?? "";
      const after = change(before);
      if (after !== before) await write(name, Buffer.from(after, "latin1"));
    },
    async remove(name) {
      await mtool(path, "mdel", ["-i", image, `::/${name}`]);
    },
  };
}

async function mtool(
  path: string,
  program: string,
  parameters: readonly string[],
  input: Uint8Array = new Uint8Array(),
): Promise<string> {
  const result = await execa(program, parameters, {
    reject: false,
    timeout: DEADLINE_MS,
    input,
    encoding: "latin1",
    stripFinalNewline: false,
    // Not the operator's drive letters; and no look at cylinders, which cards have none of.
    env: { MTOOLSRC: "/dev/null", MTOOLS_SKIP_CHECK: "1", MTOOLS_NO_VFAT: "0", LC_ALL: "C.UTF-8" },
  });
  if (!result.failed) return result.stdout;
  if (result.code === "ENOENT") throw toolMissing(program, "mtools", result);
  throw new ImcloudError("flash.partition-damaged", `the boot partition of \`${path}\` cannot be edited`, {
    found: result.timedOut ? `no end of \`${program}\` in ${DEADLINE_MS / 1000} s` : result.stderr.trim(),
    hint: "see whether the image is whole (`imcloud image verify`), and whether the card takes what is written to it",
    cause: result,
  });
}

/** @param from the package that brings it, of the same name in Debian and in Homebrew */
export function toolMissing(program: string, from: string, cause: unknown): ImcloudError {
  return new ImcloudError("flash.tool-missing", `first-boot settings need ${from}`, {
    found: `no program \`${program}\``,
    hint: process.platform === "darwin" ? `run \`brew install ${from}\`` : `run \`sudo apt install ${from}\``,
    cause,
  });
}
