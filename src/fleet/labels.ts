/**
 * Labels to stick on boards: name, account, address, and a code that a phone reads. A sheet of 24, as every shop has
 * them (A4, 70 x 37 mm), in PDF.
 *
 * pdfkit draws, qrcode-generator encodes: both small, kept, and without a canvas.
 */
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import PDFDocument from "pdfkit";
import { qrCodeOf } from "../shared/qr-code.js";

export interface Label {
  readonly board: string;
  readonly user: string;
  /** A name or an IP address. */
  readonly address: string;
  /** Of the host key, for whoever wants to compare it. */
  readonly fingerprint: string;
}

const POINTS_PER_MM = 72 / 25.4;
const mm = (millimetres: number): number => millimetres * POINTS_PER_MM;
const SHEET = { columns: 3, rows: 8, width: mm(70), height: mm(37) } as const;
const MARGIN = mm(4);
const QR_SIZE = mm(25);
const PER_SHEET = SHEET.columns * SHEET.rows;

/** What the code says: most phones offer to open it, a terminal program at least to copy it. */
export function codeOf({ user, address }: Pick<Label, "user" | "address">): string {
  return `ssh://${user}@${address}`;
}

/** Writes a PDF; an earlier file of that name goes. */
export async function writeLabels(file: string, labels: readonly Label[]): Promise<void> {
  const sheet = new PDFDocument({
    size: "A4",
    margin: 0,
    autoFirstPage: false,
    info: { Title: "imcloud boards" },
  });
  const written = pipeline(sheet, createWriteStream(file));
  for (const [index, label] of labels.entries()) {
    if (index % PER_SHEET === 0) sheet.addPage();
    const at = index % PER_SHEET;
    draw(sheet, label, (at % SHEET.columns) * SHEET.width, Math.floor(at / SHEET.columns) * SHEET.height);
  }
  sheet.end();
  await written;
}

function draw(sheet: PDFKit.PDFDocument, label: Label, left: number, top: number): void {
  const width = SHEET.width - QR_SIZE - 3 * MARGIN;
  const line = (text: string, size: number, font: string): void => {
    sheet
      .font(font)
      .fontSize(size)
      .text(text, { width, lineBreak: true, height: mm(12), ellipsis: true });
  };
  sheet.fillColor("black").text("", left + MARGIN, top + MARGIN);
  line(label.board, 13, "Helvetica-Bold");
  line(`${label.user}@${label.address}`, 8, "Helvetica");
  line(label.fingerprint, 5, "Courier");
  drawCode(sheet, codeOf(label), left + SHEET.width - MARGIN - QR_SIZE, top + MARGIN);
}

/** As squares, which stay sharp at any size. */
function drawCode(sheet: PDFKit.PDFDocument, text: string, left: number, top: number): void {
  const code = qrCodeOf(text);
  const { size: count } = code;
  const size = QR_SIZE / count;
  for (let row = 0; row < count; row += 1)
    for (let column = 0; column < count; column += 1)
      if (code.isDark(row, column)) sheet.rect(left + column * size, top + row * size, size, size);
  sheet.fill("black");
}
