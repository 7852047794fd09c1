/**
 * A QR code in a terminal: half blocks, two modules a character, black on white whatever the terminal's own colours
 * are, because not every camera reads the opposite.
 */
import { qrCodeOf } from "../shared/qr-code.js";

/** Light modules around it. Source: ISO/IEC 18004. */
const QUIET = 4;
const RESET = "\u001b[0m";
/** Of the 256 colours, 16 and 231 are black and white in every scheme; of 16 colours, the nearest. */
const BLACK_ON_WHITE = { few: "\u001b[30;47m", many: "\u001b[38;5;16;48;5;231m" } as const;
/** By whether the upper module is dark, and the lower one. */
const BLOCKS = [
  [" ", "▄"],
  ["▀", "█"],
] as const;

export interface TerminalCode {
  readonly lines: readonly string[];
  /** In columns. */
  readonly width: number;
}

export function terminalCodeOf(text: string, colours: keyof typeof BLACK_ON_WHITE): TerminalCode {
  const code = qrCodeOf(text);
  const width = code.size + 2 * QUIET;
  const lines: string[] = [];
  for (let top = 0; top < width; top += 2) {
    const line = Array.from({ length: width }, (_, column) => {
      const isDark = (row: number) => Number(code.isDark(row - QUIET, column - QUIET)) as 0 | 1;
      return BLOCKS[isDark(top)][isDark(top + 1)];
    }).join("");
    lines.push(BLACK_ON_WHITE[colours] + line + RESET);
  }
  return { lines, width };
}
