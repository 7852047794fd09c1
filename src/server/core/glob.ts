/**
 * Patterns with `*` for any text and `?` for any character. Source: Matrix specification, appendices, "Glob-style matching".
 */

export function matchesWhole(pattern: string, value: string): boolean {
  return matchesGlob(pattern, value, "^", "$");
}

/** On word boundaries: characters that are neither letters, digits nor underscores. */
export function matchesWords(pattern: string, value: string): boolean {
  return pattern !== "" && matchesGlob(pattern, value, "(?:^|\\W)", "(?:\\W|$)");
}

const globs = new Map<string, readonly RegExp[]>();

/**
 * Piece after piece between the stars, each at its first place behind the one before: where that does not lead to the
 * end, nothing else does. One expression for all of them would try every other place too, for ever.
 */
function matchesGlob(pattern: string, value: string, before: string, after: string): boolean {
  const key = before + pattern;
  let pieces = globs.get(key);
  if (pieces === undefined) {
    const bodies = pattern
      .split(/\*+/)
      .map((piece) => piece.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("?", "[^]"));
    pieces = bodies.map((body, index) => {
      const start = index === 0 ? before : "";
      const end = index === bodies.length - 1 ? after : "";
      return new RegExp(`${start}${body}${end}`, "gi");
    });
    if (globs.size > 1_000) globs.clear();
    globs.set(key, pieces);
  }
  let from = 0;
  for (const piece of pieces) {
    piece.lastIndex = from;
    if (!piece.test(value)) return false;
    from = piece.lastIndex;
  }
  return true;
}
