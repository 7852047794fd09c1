/**
 * What `imcloud tune --measure` measures on a board, and how two measurements compare.
 *
 * Half a minute of load, bounded in time and in bytes, where the messages are written. The server's own figures
 * need the server; fio's need fio, which imcloud does not install for it.
 */
import { sh, type Script } from "../board/script.js";

/** By the ids of {@link FIGURES}; what a board could not measure is not there. */
export type Figures = Readonly<Record<string, number>>;

interface Figure {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly better: "higher" | "lower";
}

export const FIGURES: readonly Figure[] = [
  { id: "writeMbS", title: "Disk: writing in one go", unit: "MB/s", better: "higher" },
  { id: "syncMs", title: "Disk: a page made safe, mean", unit: "ms", better: "lower" },
  { id: "fsyncP99Ms", title: "Disk: a page made safe, p99", unit: "ms", better: "lower" },
  { id: "randomReadIops", title: "Disk: reading here and there (fio)", unit: "/s", better: "higher" },
  { id: "brokerPerS", title: "Broker: durable messages", unit: "/s", better: "higher" },
  { id: "brokerP99Ms", title: "Broker: a message's way, p99", unit: "ms", better: "lower" },
  { id: "headroomMb", title: "Memory and swap that are free", unit: "MiB", better: "higher" },
];

/** Two measurements of an idle board, one after the other, differed by up to this much; less is no difference. */
const NOISE = 0.2;
const NEEDED_KB = 262_144;
const WRITE_BYTES = 67_108_864;
const SYNCED_PAGES = 200;

/** Leaves nothing behind, also when it is ended half-way. */
export function measureScript(): Script {
  return sh`
folder=/var/lib/imcloud-server
[ -d "$folder" ] || folder=/var/tmp
free=$(df -Pk "$folder" | awk 'NR == 2 { print $4 }')
if [ "$free" -lt ${NEEDED_KB} ]; then
  echo "full=$free"
else
  file=$(mktemp "$folder/.imcloud-measure.XXXXXXXX")
  trap 'rm -f "$file"' EXIT
  trap 'exit 130' HUP INT TERM
  seconds() { sed -n 's/.* copied, \([0-9.e+-]*\) s.*/\1/p'; }
  export LC_ALL=C
  printf 'write=%s\n' "$(timeout 120 dd if=/dev/zero of="$file" bs=1M count=64 conv=fdatasync 2>&1 | seconds)"
  printf 'sync=%s\n' "$(timeout 120 dd if=/dev/zero of="$file" bs=4k count=${SYNCED_PAGES} oflag=dsync 2>&1 | seconds)"
  if command -v fio > /dev/null; then
    printf 'fio=%s\n' "$(timeout 60 fio --name=read --filename="$file" --size=64M --rw=randread --bs=4k --direct=1 \
      --runtime=5 --time_based --output-format=json 2>/dev/null | sed -n 's/^ *"iops" : \([0-9.]*\),*/\1/p' | head -n 1)"
  fi
  rm -f "$file"
fi
[ ! -x /usr/local/bin/imcloud-server ] || printf 'server=%s\n' "$(timeout 90 imcloud-server measure 2>/dev/null)"
awk '/^(MemAvailable|SwapFree):/ { kb += $2 } END { printf "headroom=%d\n", kb / 1024 }' /proc/meminfo`;
}

/** Reads what {@link measureScript} printed. */
export function figuresOf(stdout: string): Figures {
  const text = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(stdout)?.[1] ?? "";
  const positive = (name: string): number | undefined => {
    const value = Number(text(name));
    return text(name) !== "" && Number.isFinite(value) && value > 0 ? value : undefined;
  };
  const server = serverFigures(text("server"));
  const [write, sync] = [positive("write"), positive("sync")];
  const all: Readonly<Record<string, number | undefined>> = {
    writeMbS: write === undefined ? undefined : WRITE_BYTES / 1e6 / write,
    syncMs: sync === undefined ? undefined : (sync * 1000) / SYNCED_PAGES,
    randomReadIops: positive("fio"),
    headroomMb: positive("headroom"),
    ...server,
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([id, value]) => (value === undefined ? [] : [[id, rounded(value)]])),
  );
}

interface ServerAnswer {
  readonly fsync?: { readonly p99Ms?: number };
  readonly broker?: { readonly p99Ms?: number; readonly perSecond?: number };
}

/** A server of an older version knows no `measure`: then there is nothing. */
function serverFigures(text: string): Readonly<Record<string, number | undefined>> {
  if (!text.startsWith("{")) return {};
  const { fsync, broker } = JSON.parse(text) as ServerAnswer;
  return { fsyncP99Ms: fsync?.p99Ms, brokerPerS: broker?.perSecond, brokerP99Ms: broker?.p99Ms };
}

/** Three digits say enough of a measurement. */
const rounded = (value: number): number => Number(value.toPrecision(3));

export interface Comparison extends Figure {
  readonly before?: number;
  readonly after?: number;
  readonly verdict: "better" | "worse" | "same" | "unknown";
}

/** A row for each figure that at least one of the two has. */
export function compareFigures(before: Figures, after: Figures): readonly Comparison[] {
  return FIGURES.filter(({ id }) => id in before || id in after).map((figure) => {
    const [old, now] = [before[figure.id], after[figure.id]];
    return {
      ...figure,
      ...(old !== undefined && { before: old }),
      ...(now !== undefined && { after: now }),
      verdict: old === undefined || now === undefined ? "unknown" : verdictOf(old, now, figure.better),
    };
  });
}

function verdictOf(before: number, after: number, better: Figure["better"]): Comparison["verdict"] {
  const gain = better === "higher" ? after / before : before / after;
  if (gain > 1 + NOISE) return "better";
  return gain < 1 / (1 + NOISE) ? "worse" : "same";
}
