/**
 * From the common subset of SQL to PostgreSQL's: numbered parameters, 64-bit integers.
 */
const translated = new Map<string, string>();

/** @param sql a statement of the store: it has no `?` but for parameters, and INTEGER is a type only */
export function toPostgres(sql: string): string {
  let text = translated.get(sql);
  if (text === undefined) {
    let parameter = 0;
    text = sql
      .replaceAll("?", () => `$${++parameter}`)
      .replaceAll(/\bINTEGER\b/g, "BIGINT")
      .replace(/ WITHOUT ROWID$/, "");
    translated.set(sql, text);
  }
  return text;
}
