/**
 * Whether the next boot gives the kernel settings that imcloud wrote.
 *
 * Of files with the same name the one in the first folder counts; all that count are read in the order of their
 * names, and the last word on a key is the one that holds. Debian 11 and 12 and Ubuntu link 99-sysctl.conf to
 * /etc/sysctl.conf, which therefore wins over ours; Debian 13 reads neither.
 * Source: sysctl.d(5); systemd's src/sysctl/sysctl.c for how a key is spelled.
 */
import { sh } from "../../board/script.js";
import { ok, unknown, warn, type HealthCheck } from "../check.js";

const OURS = "/etc/sysctl.d/60-imcloud.conf";
/** A pattern never wins over a key that a file names in full, and ours does. */
const ASSIGNMENT = /^\s*-?([^\s=*?[]+)\s*=\s*(.*?)\s*$/;
/** How the template marks a setting of which more is as good. */
const OR_MORE = /^# .*\(or more\)$/;

export const sysctl: HealthCheck = {
  id: "sysctl",
  title: "Kernel settings",
  playbook: "tuning",

  // A name of a file that says nothing matters too: it hides those of the same name.
  probe: () => sh`
set --
for d in /etc /run /usr/local/lib /usr/lib /lib; do
  for f in "$d"/sysctl.d/*.conf; do [ ! -e "$f" ] || set -- "$@" "$f"; done
done
[ $# -gt 0 ] || exit 0
printf 'file:%s\n' "$@"
readlink -f "$@" | sed 's/^/is:/'
grep -sH '' "$@"
:`,

  judge({ stdout }) {
    const files = parse(stdout);
    if (files.length === 0) {
      return unknown("the board shows no sysctl.d files", { hint: "look at /etc/sysctl.d on the board" });
    }
    const ours = files.find(({ path }) => path === OURS);
    if (ours === undefined) {
      return warn(`${OURS} is not there: the next boot forgets the settings`, {
        hint: "run `imcloud apply`",
      });
    }
    const conflicts = conflictsOf(ours, files);
    const [first] = conflicts;
    if (first === undefined) return ok("the next boot keeps them");
    return warn(`at the next boot ${conflicts.map(inWords).join("; ")}`, {
      measured: String(conflicts.length),
      hint:
        `take the key out of ${first.file.target}, or agree with it in imcloud.yaml: ` +
        `\`vars: { sysctl: { ${first.key}: ${first.theirs} } }\``,
    });
  },
};

interface SysctlFile {
  readonly path: string;
  /** Where its text is, when it is a link. */
  readonly target: string;
  readonly settings: Map<string, string>;
  readonly orMore: Set<string>;
}

interface Conflict {
  readonly key: string;
  readonly ours: string;
  readonly theirs: string;
  readonly file: SysctlFile;
  readonly wins: "ours" | "theirs";
}

/** The files that count, in the order in which they are read. */
function parse(stdout: string): readonly SysctlFile[] {
  const lines = stdout.split("\n");
  const after = (mark: string) =>
    lines.flatMap((line) => (line.startsWith(mark) ? [line.slice(mark.length)] : []));
  const targets = after("is:");
  const byName = new Map<string, SysctlFile>();
  after("file:").forEach((path, index) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (byName.has(name)) return;
    const own = after(`${path}:`);
    const settings = new Map<string, string>();
    const orMore = new Set<string>();
    own.forEach((line, at) => {
      const [, key, value] = /^\s*[#;]/.test(line) ? [] : (ASSIGNMENT.exec(line) ?? []);
      if (key === undefined || value === undefined) return;
      settings.set(dotted(key), value.replaceAll(/\s+/g, " "));
      if (OR_MORE.test(own[at - 1] ?? "")) orMore.add(dotted(key));
    });
    byName.set(name, { path, target: targets[index] ?? path, settings, orMore });
  });
  return [...byName].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, file]) => file);
}

function conflictsOf(ours: SysctlFile, files: readonly SysctlFile[]): readonly Conflict[] {
  return [...ours.settings].flatMap(([key, value]): readonly Conflict[] => {
    const naming = files.filter(({ settings }) => settings.has(key));
    const last = naming.at(-1);
    const before = naming.at(-2);
    // Ours has the last word; where more is as good, it must not lower what was there.
    const file = last === ours ? (ours.orMore.has(key) ? before : undefined) : last;
    const theirs = file?.settings.get(key);
    if (file === undefined || theirs === undefined || theirs === value) return [];
    const isMore = ours.orMore.has(key) && Number(theirs) > Number(value);
    if (file === before ? !isMore : isMore) return [];
    return [{ key, ours: value, theirs, file, wins: file === before ? "ours" : "theirs" }];
  });
}

function inWords({ key, ours, theirs, file, wins }: Conflict): string {
  return wins === "theirs"
    ? `${file.path} makes ${key} ${theirs}, not ${ours}`
    : `${OURS} makes ${key} ${ours}, less than ${theirs} of ${file.path}`;
}

/** The first separator tells which of the two it is; the other one is part of a name then. */
function dotted(key: string): string {
  const isPath = /^[^./]*\//.test(key);
  return isPath ? key.replaceAll(/[./]/g, (sign) => (sign === "/" ? "." : "/")) : key;
}
