/**
 * What keeps the server from storing anything, in words for whoever looks after it.
 */

/**
 * By the code of SQLite ("Result and Error Codes", with its extended ones), of PostgreSQL (manual, appendix A) or of
 * the system (errno(3)).
 */
const TROUBLES: readonly (readonly [RegExp, string])[] = [
  [/^(SQLITE_FULL|53100|ENOSPC|EDQUOT)$/, "the disk is full"],
  [/^(SQLITE_READONLY(_\w+)?|25006|EROFS)$/, "the disk is read-only"],
  [/^(SQLITE_IOERR(_\w+)?|58030|EIO)$/, "the disk fails"],
  [/^(SQLITE_CORRUPT(_\w+)?|SQLITE_NOTADB|XX001|XX002)$/, "the database is damaged"],
];

/** @returns undefined for an error that is not the disk's */
export function diskTroubleOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as { code?: unknown };
  const trouble =
    typeof code === "string" ? TROUBLES.find(([pattern]) => pattern.test(code))?.[1] : undefined;
  return trouble ?? diskTroubleOf(error.cause);
}
