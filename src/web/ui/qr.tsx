import type { QrCode as Code } from "../../shared/qr-code.js";

export interface QrCodeProps {
  readonly code: Code;
  /** What it is, for whoever does not see it. */
  readonly label: string;
}

/** Squares of quiet that readers need around a code. Source: ISO/IEC 18004. */
const QUIET = 4;

/** A QR code, black on white in every theme: readers take no other. */
export function QrCode({ code, label }: QrCodeProps) {
  const { size: count } = code;
  const size = count + 2 * QUIET;
  let path = "";
  for (let row = 0; row < count; row += 1)
    for (let column = 0; column < count; column += 1)
      if (code.isDark(row, column)) path += `M${column + QUIET} ${row + QUIET}h1v1h-1z`;
  return (
    <svg
      class="qr"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={label}
      shape-rendering="crispEdges"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
