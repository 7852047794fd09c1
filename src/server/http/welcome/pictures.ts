/**
 * Drawings of settings screens, in SVG: a frame, a title, rows, and a ring around what is to be touched.
 *
 * They have no colours of their own: the page's style sheet has, for light and dark.
 */
import { escapeMarkup } from "../../../shared/markup.js";

/** A line of a screen: a word, a switch that is on, a box that is ticked, or somewhere to type. */
export type Row = string | { readonly on: string } | { readonly tick: string } | { readonly field: string };

export interface Picture {
  readonly frame: "phone" | "window";
  readonly title: string;
  readonly rows: readonly Row[];
  /** Which row is to be touched, from 0; without it the button is. */
  readonly at?: number;
  readonly button?: string;
}

const WIDTH = 220;
const LEFT = 14;
const ROW_HEIGHT = 30;
const HEAD = 44;
/** Of letters in drawings; half of it is what a Latin letter takes in the mean, all of it a Chinese one. */
const LETTER = 12;

/** Widths in drawing units that a text takes at most, and that it may take. */
export const textWidth = (text: string): number =>
  [...text].reduce((sum, letter) => sum + (letter.codePointAt(0)! > 0x2e80 ? LETTER : LETTER * 0.56), 0);
export const roomFor = (row: Row): number =>
  WIDTH - 2 * LETTER - 2 * LEFT + 10 - (typeof row === "string" ? 0 : 34);

export const wordOf = (row: Row): string =>
  typeof row === "string" ? row : "on" in row ? row.on : "tick" in row ? row.tick : row.field;

/** @returns an SVG element; to screen readers it is one picture with the words of the step it belongs to */
export function draw({ frame, title, rows, at, button }: Picture, label: string): string {
  const height = HEAD + rows.length * ROW_HEIGHT + (button === undefined ? 10 : 42);
  return [
    `<svg class="shot" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeMarkup(label)}">`,
    `<rect class="frame" x="1" y="1" width="${WIDTH - 2}" height="${height - 2}" rx="${frame === "phone" ? 18 : 6}"/>`,
    frame === "phone"
      ? `<rect class="ink" x="${WIDTH / 2 - 18}" y="7" width="36" height="4" rx="2"/>`
      : [0, 1, 2].map((dot) => `<circle class="ink" cx="${WIDTH - 14 - dot * 11}" cy="12" r="3"/>`).join(""),
    `<text class="title" x="${LEFT}" y="32">${escapeMarkup(title)}</text>`,
    ...rows.map((row, index) => drawRow(row, HEAD + index * ROW_HEIGHT, index === at)),
    ...(button === undefined ? [] : [drawButton(button, height - 36, at === undefined)]),
    "</svg>",
  ].join("");
}

function drawRow(row: Row, top: number, isHere: boolean): string {
  const right = WIDTH - LEFT;
  const middle = top + ROW_HEIGHT / 2 - 2;
  const box = `<rect class="${isHere ? "row here" : "row"}" x="${LEFT - 6}" y="${top}" width="${WIDTH - 2 * LEFT + 12}" height="${ROW_HEIGHT - 5}" rx="5"/>`;
  const word = (x: number) => `<text x="${x}" y="${middle + 4}">${escapeMarkup(wordOf(row))}</text>`;
  if (typeof row === "string")
    return `${box}${word(LEFT)}<path class="line" d="M${right - 6} ${middle - 4}l4 4l-4 4"/>`;
  if ("on" in row)
    return `${box}${word(LEFT)}<rect class="on" x="${right - 26}" y="${middle - 7}" width="26" height="14" rx="7"/><circle class="knob" cx="${right - 7}" cy="${middle}" r="5"/>`;
  if ("tick" in row)
    return `${box}<rect class="on" x="${LEFT}" y="${middle - 6}" width="12" height="12" rx="2"/><path class="check" d="M${LEFT + 2.5} ${middle}l2.5 3l4.5 -6"/>${word(LEFT + 20)}`;
  return `${box}<circle class="line" cx="${LEFT + 5}" cy="${middle - 1}" r="4"/><path class="line" d="M${LEFT + 8} ${middle + 2}l4 4"/>${word(LEFT + 20)}`;
}

function drawButton(text: string, top: number, isHere: boolean): string {
  const width = Math.max(56, textWidth(text) + 24);
  const left = WIDTH - LEFT - width;
  return `<rect class="${isHere ? "button here" : "button"}" x="${left}" y="${top}" width="${width}" height="26" rx="6"/><text class="press" x="${left + width / 2}" y="${top + 17}">${escapeMarkup(text)}</text>`;
}
