/**
 * Lines of /etc/fstab that imcloud writes.
 *
 * Each carries the option `x-imcloud`, which mount(8) passes to nobody: people see whose line it is, and health knows
 * what should be mounted.
 */
import { sh, type Script } from "../board/script.js";
import { appendLine, exchangeLine, removeLine } from "./line.js";

export const FSTAB = "/etc/fstab";

export interface Entry {
  readonly what: string;
  readonly path: string;
  readonly filesystem: string;
  readonly options: readonly string[];
  /** The order of checks at boot; 0: none. */
  readonly pass: 0 | 2;
}

export function fstabLine({ what, path, filesystem, options, pass }: Entry): string {
  return `${what} ${path} ${filesystem} ${[...options, "x-imcloud"].join(",")} 0 ${pass}`;
}

/**
 * Prints `fstab PATH LINE` for each line of fstab that mounts something at one of the paths,
 * `mounted PATH ROOT DEVICE OPTIONS` for what is mounted there, the uppermost last, and `gone PATH DEVICE` where the
 * device of a mount is not there any more.
 */
export function mountsScript(paths: readonly string[]): Script {
  return sh`
set -- /proc/self/mountinfo
[ ! -e ${FSTAB} ] || set -- ${FSTAB} "$@"
rows=$(awk -v ${`paths= ${paths.join(" ")} `} '
  FILENAME == "/etc/fstab" { if ($1 !~ /^#/ && index(paths, " " $2 " ")) print "fstab " $2 " " $0; next }
  index(paths, " " $5 " ") { for (i = 7; i <= NF; i++) if ($i == "-") print "mounted " $5 " " $4 " " $(i + 2) " " $6 }
' "$@")
printf '%s\n' "$rows"
printf '%s\n' "$rows" | while read -r word path _ device _; do
  case "$word $device" in "mounted /dev/"*) [ -b "$device" ] || printf 'gone %s %s\n' "$path" "$device" ;; esac
done`;
}

interface Mounted {
  /** Which folder of the file system: `/`, or that of a bind mount. */
  readonly root: string;
  readonly device: string;
  readonly options: readonly string[];
}

export interface Mounts {
  /** Whole lines of fstab, by mount point. */
  readonly lines: ReadonlyMap<string, readonly string[]>;
  /** Without those whose device is gone: nobody can read or write there any more. */
  readonly mounted: ReadonlyMap<string, Mounted>;
}

/** Reads what {@link mountsScript} printed. */
export function parseMounts(output: string): Mounts {
  const lines = new Map<string, string[]>();
  const mounted = new Map<string, Mounted>();
  for (const row of output.split("\n")) {
    const [, word, path = "", rest = ""] = /^(fstab|mounted) (\S+) (.*)$/.exec(row) ?? [];
    if (word === "fstab") lines.set(path, [...(lines.get(path) ?? []), rest]);
    const [root = "", device = "", options = ""] = rest.split(" ");
    if (word === "mounted") mounted.set(path, { root, device, options: options.split(",") });
    const [, goneFrom = "", gone] = /^gone (\S+) (\S+)$/.exec(row) ?? [];
    if (gone !== undefined && mounted.get(goneFrom)?.device === gone) mounted.delete(goneFrom);
  }
  return { lines, mounted };
}

/**
 * Takes away what is mounted from a disk that is gone. systemd does that itself, unless somebody is at work there in
 * that moment; it does not try again.
 */
export function dropGone(path: string): Script {
  return sh`
while device=$(findmnt -no SOURCE ${path} | sed -n '$s/\[.*//;$p') && [ -n "\${device##[!/]*}" ] && [ ! -b "$device" ]; do
  umount -l ${path}
done`;
}

/** Puts a line in, instead of an older one of imcloud's; in a shell of its own, because editing ends with one. */
export function putLine(line: string, old?: string): Script {
  return sh`
grep -qFx -e ${line} ${FSTAB} || (
${old === undefined ? appendLine(FSTAB, line) : exchangeLine(FSTAB, old, line)}
)`;
}

export function dropLine(line: string): Script {
  return sh`(
${removeLine(FSTAB, line)}
)`;
}

/**
 * An empty folder to mount something on, which nobody can write into while nothing is: `chattr +i`.
 *
 * Source: chattr(1). Not every file system knows it, such as an overlay's; then the units that wait for the mount are
 * all the protection there is.
 */
export function sealedFolder(path: string): Script {
  return sh`
mkdir -p ${path}
[ -z "$(ls -A ${path})" ] || { echo ${`${path} is not empty: move away what is in it`}; exit 1; }
chattr +i ${path} 2> /dev/null || echo ${`this file system cannot protect ${path} from being written to while the disk is away`}`;
}
