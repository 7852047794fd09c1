/**
 * A table of boards and what each is to be, for a class that keeps such lists: `imcloud flash --csv boards.csv`.
 *
 * A line is a board of imcloud.yaml; what it says wins over what stands there. csv-parse reads it: quotes, byte order
 * marks and line ends of all systems are its business.
 *
 * Source: RFC 4180.
 */
import { readFile } from "node:fs/promises";
import { CsvError, parse } from "csv-parse/sync";
import { z } from "zod";
import { FirstBoot, overlay } from "../config/first-boot.js";
import type { BoardConfig } from "../config/load.js";
import { didYouMean } from "../shared/did-you-mean.js";
import { ImcloudError } from "../shared/errors.js";

/** Columns and what they set. All but `board` may be missing, and any may be empty. */
const COLUMNS = {
  board: [],
  hostname: ["hostname"],
  user: ["user"],
  address: ["ethernet", "address"],
  gateway: ["ethernet", "gateway"],
  dns: ["ethernet", "dns"],
  wifi_ssid: ["wifi", "ssid"],
  wifi_country: ["wifi", "country"],
  locale: ["locale"],
  timezone: ["timezone"],
  keyboard: ["keyboard"],
} as const satisfies Record<string, readonly string[]>;
type Column = keyof typeof COLUMNS;

const Records = z.array(
  z.object({ record: z.record(z.string(), z.string()), info: z.object({ lines: z.number() }) }),
);

/**
 * @param boards those of imcloud.yaml
 * @returns the boards of the table, in its order, with what it says of them
 * @throws ImcloudError `config.unreadable`, `config.invalid` with the line
 */
export async function boardsOfCsv(
  file: string,
  boards: readonly BoardConfig[],
): Promise<readonly BoardConfig[]> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new ImcloudError("config.unreadable", `\`${file}\` cannot be read`, {
      found: cause instanceof Error ? cause.message : String(cause),
      hint: "name a file that is there and that you may read",
      cause,
    });
  });
  return parseBoards(text, file, boards);
}

/** Pure. */
export function parseBoards(
  text: string,
  file: string,
  boards: readonly BoardConfig[],
): readonly BoardConfig[] {
  const seen = new Map<string, number>();
  const found = rowsOf(text, file).map(({ row, line }) => {
    const board = boardOf(row["board"] ?? "", boards, file, line);
    const before = seen.get(board.name);
    if (before !== undefined)
      throw wrong(
        file,
        line,
        `\`${board.name}\` stands there twice`,
        board.name,
        `a board that line ${before} does not have`,
        "remove one of the two lines",
      );
    seen.set(board.name, line);
    return { ...board, firstBoot: overlay(board.firstBoot, settingsOf(row, board, file, line)) };
  });
  if (found.length > 0) return found;
  throw wrong(
    file,
    1,
    `\`${file}\` names no board`,
    "no line below the headings",
    "a line for each board",
    "add one: `board` is the only column that must be there",
  );
}

interface Row {
  readonly row: Readonly<Record<string, string>>;
  readonly line: number;
}

function rowsOf(text: string, file: string): readonly Row[] {
  const columns = Object.keys(COLUMNS);
  const checked = (headings: readonly string[]): string[] => {
    for (const heading of headings)
      if (!columns.includes(heading)) throw unknownColumn(file, heading, columns);
    const twice = headings.find((heading, index) => headings.indexOf(heading) !== index);
    if (twice !== undefined)
      throw wrong(
        file,
        1,
        `the column \`${twice}\` stands there twice`,
        twice,
        undefined,
        "remove one of the two",
      );
    if (!headings.includes("board"))
      throw wrong(
        file,
        1,
        "the column `board` is missing",
        headings.join(", "),
        `\`board\` and any of ${columns.slice(1).join(", ")}`,
        "name the columns in the first line",
      );
    return [...headings];
  };
  try {
    const records: unknown = parse(text, {
      columns: (headings: string[]) => checked(headings.map((heading) => heading.toLowerCase())),
      ...{ bom: true, info: true, trim: true, skip_empty_lines: true, skip_records_with_empty_values: true },
    });
    return Records.parse(records).map(({ record, info }) => ({ row: record, line: info.lines }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw damaged(file, error);
  }
}

function boardOf(name: string, boards: readonly BoardConfig[], file: string, line: number): BoardConfig {
  const found = boards.find((board) => board.name === name);
  if (found !== undefined) return found;
  const names = boards.map((board) => board.name);
  if (name === "")
    throw wrong(
      file,
      line,
      "a line without a board",
      "nothing",
      `one of ${names.join(", ")}`,
      "name the board, or remove the line",
    );
  const meant = didYouMean(name, names);
  throw wrong(
    file,
    line,
    `\`${name}\` is no board of imcloud.yaml`,
    name,
    `one of ${names.join(", ")}`,
    meant === undefined ? `add it there: \`${name}:\` below \`boards:\`` : `did you mean \`${meant}\`?`,
  );
}

/** What is already said of a cable or a radio stays, where the table has but one column of it. */
function settingsOf(row: Row["row"], { firstBoot }: BoardConfig, file: string, line: number): FirstBoot {
  const value: Record<string, unknown> = {};
  for (const [column, path] of Object.entries(COLUMNS)) {
    const text = row[column] ?? "";
    const [first, second] = path as readonly (string | undefined)[];
    if (text === "" || first === undefined) continue;
    if (second === undefined) value[first] = text;
    else {
      const before = value[first] ?? firstBoot[first as "ethernet" | "wifi"] ?? {};
      value[first] = { ...before, [second]: second === "dns" ? text.split(/[\s;]+/) : text };
    }
  }
  const parsed = FirstBoot.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const column = columnOf(issue?.path ?? []);
  const isMissing = (row[column] ?? "") === "";
  throw wrong(
    file,
    line,
    isMissing
      ? `the column \`${column}\` is empty, and needed here`
      : `the column \`${column}\` is not what is allowed there`,
    isMissing ? "nothing" : (row[column] ?? ""),
    issue?.message,
    `correct \`${column}\` in line ${line}`,
  );
}

function columnOf(path: readonly PropertyKey[]): Column {
  const matches = (wanted: readonly string[]) =>
    wanted.length > 0 && wanted.every((part, index) => path[index] === part);
  const found = Object.entries(COLUMNS).find(([, wanted]) => matches(wanted));
  return (found?.[0] ?? "board") as Column;
}

function unknownColumn(file: string, heading: string, columns: readonly string[]): ImcloudError {
  const meant = didYouMean(heading, columns);
  return wrong(
    file,
    1,
    `\`${heading}\` is no column that imcloud knows`,
    heading,
    `one of ${columns.join(", ")}`,
    meant === undefined
      ? "remove the column; passwords belong into the secrets file"
      : `did you mean \`${meant}\`?`,
  );
}

/** The library's reasons in our words. */
function damaged(file: string, error: CsvError): ImcloudError {
  const line = Number((error as CsvError & { lines?: number }).lines ?? 1);
  const isLength =
    error.code.startsWith("CSV_RECORD_INCONSISTENT") || error.code.startsWith("CSV_INCONSISTENT");
  return isLength
    ? wrong(
        file,
        line,
        `line ${line} has more or fewer fields than the first line has columns`,
        undefined,
        undefined,
        "give each column a field, if only an empty one; a field with a comma in it wants quotes",
      )
    : wrong(
        file,
        line,
        `\`${file}\` is no table that can be read`,
        error.message.split("\n")[0],
        undefined,
        "close the quotes that are open around this line",
      );
}

function wrong(
  file: string,
  line: number,
  message: string,
  found: string | undefined,
  expected: string | undefined,
  hint: string,
): ImcloudError {
  return new ImcloudError("config.invalid", message, {
    origin: { file, line },
    ...(found !== undefined && { found }),
    ...(expected !== undefined && { expected }),
    hint,
  });
}
