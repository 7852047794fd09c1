/**
 * QR codes, as modules to be drawn: by the IM server in SVG, by the CLI in a terminal.
 *
 * Source: ISO/IEC 18004; level M, which reads with 15 % of it lost. qrcode-generator draws imcloud's labels already.
 */
import qrcode from "qrcode-generator";

export interface QrCode {
  /** Modules a side, without the quiet zone. */
  readonly size: number;
  /** False outside of the code. */
  isDark(row: number, column: number): boolean;
}

/** @throws Error when the text is longer than any code holds (2,331 bytes) */
export function qrCodeOf(text: string): QrCode {
  const code = qrcode(0, "M");
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  const isWithin = (at: number): boolean => at >= 0 && at < size;
  return { size, isDark: (row, column) => isWithin(row) && isWithin(column) && code.isDark(row, column) };
}

/**
 * @returns a code of bytes that are no text, in byte mode
 * @throws Error when there are more of them than any code holds (2,331)
 */
export const qrCodeOfBytes = (bytes: ArrayLike<number>): QrCode =>
  // The library takes the low byte of each character, and nothing here has it do otherwise.
  qrCodeOf(String.fromCharCode(...Array.from(bytes)));
