/**
 * Times as people say them, in the browser's time zone.
 */
import { locale, t } from "../words/words.js";

const DAY_MS = 86_400_000;

/** Making a format takes a hundred times as long as using one. */
const formats = new Map<string, Intl.DateTimeFormat>();

function format(at: Date | number, kind: string, options: Intl.DateTimeFormatOptions): string {
  const key = `${locale()} ${kind}`;
  let made = formats.get(key);
  if (made === undefined) formats.set(key, (made = new Intl.DateTimeFormat(locale(), options)));
  return made.format(at);
}

/** In milliseconds since 1970. */
export const startOfDay = (at: Date): number =>
  new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();

/** Days from one to the other by the calendar: a day may have 23 or 25 hours. */
const daysBetween = (one: Date, other: Date): number =>
  Math.round((startOfDay(other) - startOfDay(one)) / DAY_MS);

/** `14:05`, or as the language has it. */
export const clock = (at: number): string => format(at, "clock", { hour: "2-digit", minute: "2-digit" });

/** `Today`, `Yesterday`, `Monday`, `3 March`, `3 March 2025`. */
export function day(at: number, now = new Date()): string {
  const then = new Date(at);
  const days = daysBetween(then, now);
  if (days === 0) return t("today");
  if (days === 1) return t("yesterday");
  if (days > 1 && days < 7) return format(then, "weekday", { weekday: "long" });
  const isThisYear = then.getFullYear() === now.getFullYear();
  return isThisYear
    ? format(then, "day", { day: "numeric", month: "long" })
    : format(then, "date", { day: "numeric", month: "long", year: "numeric" });
}

/** For a list: the time today, the day else. */
export const briefly = (at: number, now = new Date()): string =>
  daysBetween(new Date(at), now) === 0 ? clock(at) : day(at, now);

/** In full, for a title. */
export const exactly = (at: number): string =>
  format(at, "exactly", { dateStyle: "full", timeStyle: "short" });

/** `0:07`, `1:23:45`. @param ms milliseconds */
export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const [hours, minutes, rest] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (part: number) => String(part).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** `4.2 MB`. @param bytes in powers of 1,000 */
export function size(bytes: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return new Intl.NumberFormat(locale(), {
    style: "unit",
    unit: units[power] ?? "byte",
    unitDisplay: "short",
    maximumFractionDigits: power < 2 ? 0 : 1,
  }).format(bytes / 1_000 ** power);
}
