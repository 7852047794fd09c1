/** `imcloud kit`: everything that a cloud is made from, for a place without internet. */
import { Option, type Command } from "commander";
import type { Kit, KitProgress } from "../fleet/kit/kit.js";
import { ImcloudError } from "../shared/errors.js";
import { RELEASES } from "../shared/releases.js";
import { openFleetFor, selectors } from "./fleet-options.js";
import type { Context } from "./program.js";
import type { Terminal } from "./terminal.js";
import { version } from "./version.js";
import { bytesInWords } from "./words.js";

/** How often it is said how far a copy is. */
const EVERY_MS = { animated: 500, log: 10_000 };

export interface KitMakeFlags {
  readonly on?: readonly string[];
  readonly image?: readonly string[];
  readonly release?: string;
  readonly arch: string;
  readonly list?: string;
  readonly keys?: string;
  readonly mirror?: string;
  readonly securityMirror?: string;
  readonly json?: boolean;
}

export function addKitCommand(program: Command, context: Context): void {
  const kit = program
    .command("kit")
    .summary("everything for a place without internet, in one folder")
    .description(
      "Everything that the cloud of imcloud.yaml is made from, in one folder: made where there is internet,\n" +
        "carried on a stick, taken in where there is none. Boards with the playbook `offline` install from it alone: see docs/kit.md.",
    );

  kit
    .command("make <folder>")
    .summary("fetch it all, and fill the folder")
    .addOption(
      new Option("--on <selector...>", "for these boards, groups or @tags (default: the whole fleet)")
        .env("IMCLOUD_ON")
        .argParser(selectors),
    )
    .option("--image <id...>", "images for their cards, by their ids in `imcloud image list`")
    .addOption(
      new Option("--release <release>", "what the boards have, where no image tells").choices(
        Object.keys(RELEASES),
      ),
    )
    .addOption(
      new Option("--arch <architecture>", "with --release").choices(["arm64", "amd64"]).default("arm64"),
    )
    .option("--list <file|url>", "another list of images than Raspberry Pi's")
    .option("--keys <file>", "public keys of whoever signs the publisher's SHA256SUMS")
    .option("--mirror <url>", "another address of the release's package archive")
    .option("--security-mirror <url>", "the same of Debian's archive of security updates")
    .option("--json", "write what the kit holds to stdout as one JSON document")
    .addHelpText(
      "after",
      "\nExamples:\n  imcloud kit make /media/stick/kit --image 2025-10-01-raspios-trixie-arm64-lite\n" +
        "  imcloud kit make kit --release debian-12 --on class-a",
    )
    .action((folder: string, flags: KitMakeFlags) => runKitMake(folder, flags, context));

  kit
    .command("load <folder>")
    .summary("take a kit into the cache of this machine")
    .option("--json", "write what the kit holds to stdout as one JSON document")
    .action((folder: string) => runKit(folder, "loadKit", context));

  kit
    .command("check <folder>")
    .summary("read all of a kit, and see whether it is whole")
    .option("--json", "write what the kit holds to stdout as one JSON document")
    .action((folder: string) => runKit(folder, "checkKit", context));
}

export async function runKitMake(folder: string, flags: KitMakeFlags, context: Context): Promise<void> {
  for (const name of ["mirror", "securityMirror"] as const) refuseNoAddress(name, flags[name]);
  const terminal = await context.terminal();
  const { makeKit } = await import("../fleet/kit/make.js");
  const fleet = await openFleetFor(flags, context, terminal);
  for (const { name, playbooks } of fleet.boards) {
    if (!playbooks.includes("offline"))
      terminal.note(`${name} does not have the playbook \`offline\`: it asks the archives of the internet`);
  }
  await shown(folder, terminal, (say) => {
    const { image, release, arch, list, keys, mirror, securityMirror } = flags;
    return makeKit(
      fleet,
      folder,
      {
        images: image ?? [],
        ...(release !== undefined && { system: { release, arch } }),
        ...(list !== undefined && { list }),
        ...(keys !== undefined && { keys }),
        ...(mirror !== undefined && { mirror: withoutSlash(mirror) }),
        ...(securityMirror !== undefined && { securityMirror: withoutSlash(securityMirror) }),
      },
      { ...say, imcloud: version(), note: (line) => terminal.note(line), signal: terminal.signal },
    );
  });
}

async function runKit(folder: string, what: "loadKit" | "checkKit", context: Context): Promise<void> {
  const terminal = await context.terminal();
  const room = await import("../fleet/kit/kit.js");
  const kit = await shown(folder, terminal, (progress) => room[what](folder, progress));
  if (kit.imcloud !== version())
    terminal.note(
      `the kit was made by imcloud ${kit.imcloud}, and this is ${version()}: take the same one for both`,
    );
}

/** With progress while it is worked on; what it holds is the result. */
async function shown(
  folder: string,
  terminal: Terminal,
  work: (say: KitProgress & { readonly doing: (what: string) => void }) => Promise<Kit>,
): Promise<Kit> {
  const progress = terminal.progress([folder]);
  const say = progress.board(folder);
  const everyMs = terminal.isAnimated ? EVERY_MS.animated : EVERY_MS.log;
  let saidMs = performance.now();
  try {
    const kit = await work({
      doing: (what) => say.doing(what),
      moved: (bytes, ofBytes) => {
        if (performance.now() - saidMs < everyMs) return;
        saidMs = performance.now();
        say.doing(`${bytesInWords(bytes)} of ${bytesInWords(ofBytes)}`);
      },
    });
    const bytes = kit.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    say.ended(`whole, ${bytesInWords(bytes)}`, true);
    await progress.end();
    terminal.data(terminal.json ? JSON.stringify(kit, null, 2) : kit.contents.join("\n"));
    return kit;
  } catch (error) {
    say.ended(error instanceof Error ? error.message : String(error), false);
    await progress.end();
    throw error;
  }
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, "");

function refuseNoAddress(name: "mirror" | "securityMirror", url: string | undefined): void {
  if (url === undefined || /^https?:\/\/[^\s]+$/.test(url)) return;
  throw new ImcloudError(
    "cli.usage",
    `\`--${name === "mirror" ? "mirror" : "security-mirror"}\` is no address`,
    {
      found: url,
      expected: "http:// or https://, such as http://deb.debian.org/debian",
      hint: "name the folder that has `dists` and `pool`",
    },
  );
}
