/**
 * What figures of a board mean, whoever has read them: the operator's machine over SSH, or the IM server on the board.
 * So both say the same of the same board, in the same words.
 */
import { X509Certificate } from "node:crypto";
import { fail, judgeFigure, notApplicable, ok, percent, unknown, warn, type Judgement } from "./judgement.js";

/** Memory that programs can still have. Source: proc(5), /proc/meminfo, MemAvailable. */
export function judgeMemory(totalKib: number, availableKib: number): Judgement {
  if (!(totalKib > 0 && availableKib >= 0))
    return unknown("the memory cannot be read", { hint: "look at /proc/meminfo on the board" });
  return judgeFigure(1 - availableKib / totalKib, {
    warning: 0.9,
    critical: 0.96,
    words: percent,
    summary: `${Math.round(availableKib / 1024)} MiB of ${Math.round(totalKib / 1024)} MiB available`,
    hint: "see with `imcloud exec -- ps -eo rss,comm --sort=-rss` who has it",
  });
}

/** Whether the processors keep up. @param average of the last five minutes, proc(5), /proc/loadavg */
export function judgeLoad(average: number, cpus: number): Judgement {
  if (!(average >= 0 && cpus > 0))
    return unknown("the load cannot be read", { hint: "look at /proc/loadavg on the board" });
  return judgeFigure(average / cpus, {
    warning: 1.5,
    critical: 4,
    words: (value) => `${value.toFixed(2)} a processor`,
    summary: "five-minute load",
    hint: "see with `imcloud exec -- top -b -n 1` what runs; move a service to another board",
  });
}

/**
 * A full disk stops RabbitMQ (its disk alarm blocks publishers), SQLite and apt, in this order.
 *
 * @param ratio used, of what programs without privileges can have
 * @param what `full`, or of what else
 */
export function judgeFullness(ratio: number, place: string, what = "full"): Judgement {
  return judgeFigure(ratio, {
    warning: 0.85,
    critical: 0.95,
    words: percent,
    summary: `${place} is ${percent(ratio)} ${what}`,
    hint: "see with `imcloud exec -- du -xh --max-depth=2 /` what is large; `apt-get clean` and `journalctl --vacuum-size=50M` are safe",
  });
}

/** Degrees Celsius in words. */
export const degreesInWords = (degrees: number): string => `${degrees.toFixed(0)} °C`;

/** From here on the firmware begins to slow the chip, in degrees Celsius. */
export const CRITICAL_C = 80;

/**
 * How hot the chip is. At 80 °C the firmware begins to slow it, at 85 °C it slows all of it.
 * Source: Raspberry Pi documentation, "Frequency management and thermal control".
 *
 * @param degrees undefined when the sensor gave none
 */
export function judgeTemperature(degrees: number | undefined, isPi: boolean): Judgement {
  if (degrees === undefined) {
    return isPi
      ? unknown("the sensor gave no figure", {
          hint: "see whether `vcgencmd measure_temp` works on the board",
        })
      : notApplicable;
  }
  return judgeFigure(degrees, {
    warning: 75,
    critical: CRITICAL_C,
    words: degreesInWords,
    summary: "chip temperature",
    hint: "give the board a heat sink, a fan, or air",
  });
}

const UNDER_VOLTAGE = 1 << 0;
const SLOWED = (1 << 1) | (1 << 2) | (1 << 3);
/** The same bits, since boot. */
const SINCE_BOOT = 16;
const SUPPLY_HINT = "use a 5.1 V / 3 A supply and a short cable; power SSDs from a hub";
const NO_FIRMWARE_HINT =
  "install the package that has `vcgencmd`: raspi-utils, or libraspberrypi-bin on older systems";

/** What firmware and kernel tell of the power supply. */
export interface PowerFlags {
  /** In the flesh: only then has it such a firmware. */
  readonly isPi: boolean;
  /** As `vcgencmd get_throttled` has them; undefined when nobody tells. */
  readonly flags: number | undefined;
  /** The kernel's own sensor (raspberrypi-hwmon), `0` or `1`; it remembers until the next boot. */
  readonly alarm: string | undefined;
}

/**
 * Whether the power supply holds: below about 4.63 V the firmware slows the cores.
 * Sources: Raspberry Pi documentation, `vcgencmd get_throttled`; kernel driver raspberrypi-hwmon.
 */
export function judgePower({ isPi, flags, alarm }: PowerFlags): Judgement {
  if (!isPi) return notApplicable;
  if (flags === undefined && alarm !== undefined) {
    return alarm === "0"
      ? ok("no under-voltage since boot")
      : warn("under-voltage since boot; clears at the next boot", { hint: SUPPLY_HINT });
  }
  // Not being able to look is not health.
  if (flags === undefined) return unknown("the firmware gave no flags", { hint: NO_FIRMWARE_HINT });
  const measured = `0x${flags.toString(16)}`;
  if ((flags & UNDER_VOLTAGE) !== 0) return fail("under-voltage now", { measured, hint: SUPPLY_HINT });
  if (((flags >> SINCE_BOOT) & UNDER_VOLTAGE) !== 0) {
    return warn("under-voltage since boot; clears at the next boot", { measured, hint: SUPPLY_HINT });
  }
  return ok("no under-voltage since boot", { measured });
}

/** Whether the firmware slows the cores. */
export function judgeThrottling({ isPi, flags }: PowerFlags): Judgement {
  if (!isPi) return notApplicable;
  if (flags === undefined) return unknown("the firmware gave no flags", { hint: NO_FIRMWARE_HINT });
  const measured = `0x${flags.toString(16)}`;
  if ((flags & SLOWED) !== 0)
    return fail("the firmware slows the processors now", { measured, hint: "see to power and cooling" });
  if (((flags >> SINCE_BOOT) & SLOWED) !== 0) {
    return warn("the processors were slowed since boot; clears at the next boot", {
      measured,
      hint: "see to power and cooling",
    });
  }
  return ok("full speed since boot", { measured });
}

const DAY_MS = 24 * 60 * 60 * 1000;
const RENEW_DAYS = 30;
const URGENT_DAYS = 7;

/** How long a certificate is good for. @param hint what gets a new one */
export function judgeCertificate(pem: string, now: Date, hint: string): Judgement {
  const times = timesOf(pem);
  if (times === undefined) return unknown("it cannot be read", { hint });
  const { endsAt, lastsDays } = times;
  // Some last a week: what is renewed late is a part of that.
  const [renewDays, urgentDays] = [
    Math.min(RENEW_DAYS, Math.floor(lastsDays / 4)),
    Math.min(URGENT_DAYS, Math.floor(lastsDays / 12)),
  ];
  const days = Math.floor((endsAt.getTime() - now.getTime()) / DAY_MS);
  const figure = { measured: `${days} days`, value: days, threshold: `${renewDays} days` };
  const date = endsAt.toISOString().slice(0, 10);
  if (days < 0) return fail(`expired on ${date}`, { ...figure, hint });
  if (days < urgentDays) return fail(`ends on ${date}`, { ...figure, threshold: `${urgentDays} days`, hint });
  if (days < renewDays) return warn(`ends on ${date}`, { ...figure, hint });
  return ok(`good until ${date}`, figure);
}

function timesOf(pem: string): { readonly endsAt: Date; readonly lastsDays: number } | undefined {
  try {
    const { validFrom, validTo } = new X509Certificate(pem);
    const endsAt = new Date(validTo);
    return { endsAt, lastsDays: (endsAt.getTime() - Date.parse(validFrom)) / DAY_MS };
  } catch {
    return undefined;
  }
}

/** What to do about a certificate that imcloud has issued. */
export const RENEW_BY_APPLY = "run `imcloud apply`: it issues a new one";
/** And about one by ACME. */
export const RENEW_BY_ACME =
  "see why it was not renewed: `imcloud exec -- journalctl -u imcloud-certificate -n 50`; try again: `imcloud exec -- systemctl start imcloud-certificate`";
