/** Numbers as people read them. */

/** @returns empty for what took less than a second, or a time that nobody measured */
export function secondsOf(durationMs: number | undefined): string {
  return durationMs === undefined || durationMs < 1_000 ? "" : ` (${(durationMs / 1_000).toFixed(1)} s)`;
}

/** As it stands on the box: by thousands. @example bytesInWords(31_914_983_424) // "31.9 GB" */
export function bytesInWords(bytes: number): string {
  if (bytes < 1e6) return `${bytes} bytes`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
