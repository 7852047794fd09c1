/**
 * A package archive's index, and what installing something from it takes along.
 *
 * No library of npm's reads these that is still kept up; the format is fields of one line each, in paragraphs.
 *
 * Sources: Debian Policy 5.1 (syntax of control files), 7.1 (relations) and 7.5 (`Provides`); Debian wiki,
 * "DebianRepository/Format".
 */

/** A package as an index has it. */
export interface PackageEntry {
  readonly name: string;
  readonly version: string;
  /** Below the archive's address. */
  readonly file: string;
  readonly sizeBytes: number;
  /** In hexadecimal digits. */
  readonly sha256: string;
  /** Each needs one of its alternatives. */
  readonly needs: readonly (readonly string[])[];
  readonly provides: readonly string[];
  /** `required`, `important`, `standard`, `optional`, `extra`. */
  readonly priority: string;
}

/** @param text of a file `Packages`, unpacked @returns its packages in the order of the index */
export function parseIndex(text: string): readonly PackageEntry[] {
  return text.split(/\n{2,}/).flatMap((paragraph) => {
    const fields = fieldsOf(paragraph);
    const [name, file, sha256] = [fields.get("package"), fields.get("filename"), fields.get("sha256")];
    if (name === undefined || file === undefined || sha256 === undefined) return [];
    return [
      {
        ...{ name, file, sha256 },
        version: fields.get("version") ?? "",
        sizeBytes: Number(fields.get("size")),
        needs: [...relations(fields.get("pre-depends")), ...relations(fields.get("depends"))],
        provides: relations(fields.get("provides")).flat(),
        priority: fields.get("priority") ?? "optional",
      },
    ];
  });
}

/** Of a file `Release` or `InRelease`: what it says of the files below it, SHA-256 by path. */
export function sumsOf(release: string): ReadonlyMap<string, string> {
  const listed = /^SHA256:[^\n]*\n((?: [^\n]*\n?)*)/m.exec(release)?.[1] ?? "";
  return new Map(
    [...listed.matchAll(/^ ([0-9a-f]{64}) +\d+ +(\S+)$/gm)].map(([, sum = "", path = ""]) => [path, sum]),
  );
}

/** Field names are the same in any case; a value goes on in lines that begin with a blank. */
function fieldsOf(paragraph: string): ReadonlyMap<string, string> {
  return new Map(
    [...paragraph.matchAll(/^([^\s:#]+):(.*(?:\n[ \t].*)*)$/gm)].map(([, name = "", value = ""]) => [
      name.toLowerCase(),
      value.trim(),
    ]),
  );
}

/** `a (>= 1) | b:any, c`, without versions and architectures. */
function relations(field: string | undefined): readonly (readonly string[])[] {
  return (field ?? "")
    .split(",")
    .map((group) =>
      group.split("|").flatMap((alternative) => /^\s*([a-z0-9][a-z0-9+.-]*)/.exec(alternative)?.[1] ?? []),
    )
    .filter((group) => group.length > 0);
}

const PRIORITIES = ["required", "important", "standard", "optional", "extra"];

export interface Closure {
  /** In all the versions that the indexes have. */
  readonly packages: readonly PackageEntry[];
  /** Names that no index has, though they were asked for or are needed. */
  readonly missing: readonly string[];
}

/**
 * All that apt might want when it installs packages on a system of which nothing is known: too much on one that has
 * most of it, never too little.
 *
 * Of alternatives the first that there is counts, as for apt; of packages that provide a name that none has, those of
 * the best priority.
 *
 * @param wanted names; one that nobody has is told, and no error
 */
export function closureOf(wanted: readonly string[], index: readonly PackageEntry[]): Closure {
  const byName = byKeys(index, ({ name }) => [name]);
  const byProvided = byKeys(index, ({ provides }) => provides);
  const having = (name: string): readonly PackageEntry[] => {
    const real = byName.get(name);
    if (real !== undefined) return real;
    const candidates = byProvided.get(name) ?? [];
    const rank = ({ priority }: PackageEntry) => PRIORITIES.indexOf(priority);
    const best = Math.min(...candidates.map(rank));
    return candidates.filter((entry) => rank(entry) === best);
  };

  const taken = new Set<PackageEntry>();
  const missing = new Set<string>();
  const open = wanted.map((name) => [name] as readonly string[]);
  for (let group = open.pop(); group !== undefined; group = open.pop()) {
    const first = group.map(having).find((entries) => entries.length > 0);
    if (first === undefined) missing.add(group.join(" | "));
    for (const entry of first ?? []) {
      if (taken.has(entry)) continue;
      taken.add(entry);
      open.push(...entry.needs);
    }
  }
  return {
    packages: [...taken].toSorted((one, other) => (one.file < other.file ? -1 : 1)),
    missing: [...missing].toSorted(),
  };
}

function byKeys(
  index: readonly PackageEntry[],
  keys: (entry: PackageEntry) => readonly string[],
): ReadonlyMap<string, readonly PackageEntry[]> {
  const groups = new Map<string, PackageEntry[]>();
  for (const entry of index) {
    for (const key of keys(entry)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [entry]);
      else group.push(entry);
    }
  }
  return groups;
}
