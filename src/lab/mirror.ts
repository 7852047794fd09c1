/**
 * Where a board's packages come from: the archive that this machine itself is installed from.
 *
 * Nothing here names a server. apt knows the machine's sources in both of their formats and tells the origin of
 * each, so third-party repositories stay out of the boards.
 *
 * Source: apt-get(8) `indextargets`, sources.list(5), apt.conf(5) `Acquire::Check-Valid-Until`.
 */
import { ImcloudError } from "../shared/errors.js";
import { tool } from "./tool.js";

/** The releases that boards can be made of; the name says the archive and the release. */
export const SUITES = ["debian-bookworm", "debian-trixie", "ubuntu-jammy", "ubuntu-noble"] as const;
export type Suite = (typeof SUITES)[number];

/** What an archive calls itself in its release files, what signs it, and where the packages of a board are in it. */
const ARCHIVES = {
  debian: {
    origin: "Debian",
    keyring: "/usr/share/keyrings/debian-archive-keyring.gpg",
    components: ["main"],
  },
  ubuntu: {
    origin: "Ubuntu",
    keyring: "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
    components: ["main", "universe"],
  },
} as const;

export interface Mirror {
  /** Lines of sources.list(5). */
  readonly sources: readonly string[];
  /** Lines of apt.conf(5): a snapshot mirror's release files have expired, and the machine's apt knows. */
  readonly aptOptions: readonly string[];
}

const TARGET_FORMAT = "$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)";

/** The release that a machine can make boards of without further sources: Ubuntu's own, else Debian 12. */
export function defaultSuite(osRelease: string): Suite {
  const field = (name: string) => new RegExp(`^${name}="?([^"\\n]*)`, "m").exec(osRelease)?.[1] ?? "";
  return (
    SUITES.find((suite) => suite === `ubuntu-${field("VERSION_CODENAME")}` && field("ID") === "ubuntu") ??
    SUITES[0]
  );
}

/** The archive and the release that a suite's name says. */
export function partsOf(suite: Suite): { readonly archive: keyof typeof ARCHIVES; readonly release: string } {
  const [archive, release] = suite.split("-") as [keyof typeof ARCHIVES, string];
  return { archive, release };
}

/** Turns apt's list of what it downloads into sources of one release. */
export function parseTargets(targets: string, suite: Suite): readonly string[] {
  const { archive, release } = partsOf(suite);
  const { origin, keyring, components } = ARCHIVES[archive];
  const sources = targets.split("\n").flatMap((target) => {
    const [from, uri, targetRelease = "", component] = target.trim().split(" ");
    if (from !== origin || !components.some((wanted) => wanted === component)) return [];
    // bookworm, bookworm-updates, bookworm-security: the part behind the release's name stays.
    const pocket = /^[a-z]+(-updates|-security)?$/.exec(targetRelease);
    return pocket === null
      ? []
      : [`deb [signed-by=${keyring}] ${uri} ${release}${pocket[1] ?? ""} ${component}`];
  });
  return [...new Set(sources)].sort();
}

/** Keeps the options that decide how old a release file may be. */
export function parseAptOptions(dump: string): readonly string[] {
  return dump
    .split("\n")
    .filter((line) => /^Acquire::(Check-Valid-Until|Check-Date|Max-ValidTime)\b/.test(line));
}

/** Host and port of each source, as in `Host` of HTTP. */
export function mirrorHosts(sources: readonly string[]): readonly string[] {
  return [...new Set(sources.flatMap((line) => /https?:\/\/([^/\s]+)/.exec(line)?.[1] ?? []))];
}

/**
 * Asks this machine's apt.
 *
 * @throws ImcloudError `lab.unavailable` when the machine has no source of the suite's archive
 */
export async function machineMirror(suite: Suite): Promise<Mirror> {
  const indexTargets = () =>
    tool(["apt-get", "indextargets", "--format", TARGET_FORMAT, "Created-By: Packages"]);
  let sources = parseTargets(await indexTargets(), suite);
  if (sources.length === 0) {
    // apt learns the origin of a source from its release file: without lists there are no targets.
    await tool(["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", "update"], { deadlineMs: 300_000 });
    sources = parseTargets(await indexTargets(), suite);
  }
  if (sources.length === 0) {
    const { origin, keyring } = ARCHIVES[partsOf(suite).archive];
    throw new ImcloudError("lab.unavailable", `this machine's apt has no source of ${origin}'s archive`, {
      expected: `a source whose release file says \`Origin: ${origin}\``,
      hint: `add one to /etc/apt/sources.list.d, and the package that has ${keyring}`,
    });
  }
  return { sources, aptOptions: parseAptOptions(await tool(["apt-config", "dump"])) };
}
