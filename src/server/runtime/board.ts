/**
 * What the machine tells of itself, as far as the server's sandbox lets it look: files below /proc, /sys and /run that
 * everybody may read. What cannot be read is undefined, never 0.
 * Sources: proc(5); kernel documentation, "Generic Thermal Sysfs driver"; Raspberry Pi's firmware driver,
 * `get_throttled`; kernel driver raspberrypi-hwmon; systemd-timesyncd.service(8), /run/systemd/timesync/synchronized.
 */
import { existsSync, readdirSync, readFileSync, statfsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { PowerFlags } from "../../shared/board-judgements.js";

export interface BoardFigures {
  /** Of the machine, in bytes. */
  readonly memoryBytes: number | undefined;
  /** What programs can still have, in bytes. */
  readonly memoryAvailableBytes: number | undefined;
  /** Processes that run or want to, on average over five minutes. */
  readonly load: number | undefined;
  readonly processors: number;
  /** Of the file system with the server's data, in bytes. */
  readonly diskUsedBytes: number | undefined;
  /** What programs without privileges can still write, in bytes. */
  readonly diskFreeBytes: number | undefined;
  readonly temperatureC: number | undefined;
  readonly power: PowerFlags;
  /** Undefined where no time service that we can ask runs. */
  readonly isClockSynchronized: boolean | undefined;
  readonly isContainer: boolean;
}

const PLATFORM = "sys/devices/platform";
const TIMESYNC = "run/systemd/timesync";

/**
 * @param dataFolder where the server writes
 * @param root of the file system; another one is for tests
 */
export function readBoard(dataFolder: string, root = "/"): BoardFigures {
  const at = (path: string) => join(root, path);
  const read = (path: string) => textOf(at(path));
  const memory = read("proc/meminfo");
  const isContainer = existsSync(at("run/systemd/container"));
  const isPi = /raspberry pi/i.test(read("proc/device-tree/model") ?? "") && !isContainer;
  const millidegrees = numberIn(/^(-?\d+)$/, read("sys/class/thermal/thermal_zone0/temp")?.trim());
  return {
    memoryBytes: kib("MemTotal", memory),
    memoryAvailableBytes: kib("MemAvailable", memory),
    load: numberIn(/^\S+ (\d+(?:\.\d+)?) /, read("proc/loadavg")),
    processors: availableParallelism(),
    ...diskOf(dataFolder),
    // A container's hardware is its machine's.
    temperatureC: millidegrees === undefined || isContainer ? undefined : millidegrees / 1_000,
    power: { isPi, flags: isPi ? flagsOf(at) : undefined, alarm: isPi ? alarmOf(at) : undefined },
    isClockSynchronized: existsSync(at(TIMESYNC)) ? existsSync(at(`${TIMESYNC}/synchronized`)) : undefined,
    isContainer,
  };
}

/** `soc/soc:firmware/get_throttled`; the name before the colon is another one on newer boards. */
function flagsOf(at: (path: string) => string): number | undefined {
  const firmware = namesIn(at(PLATFORM))
    .filter((name) => name.startsWith("soc"))
    .flatMap((soc) => namesIn(at(`${PLATFORM}/${soc}`)).map((name) => `${soc}/${name}`))
    .find((name) => name.endsWith(":firmware"));
  const text =
    firmware === undefined ? undefined : textOf(at(`${PLATFORM}/${firmware}/get_throttled`))?.trim();
  return text !== undefined && /^(0x)?[0-9a-f]+$/i.test(text) ? Number.parseInt(text, 16) : undefined;
}

function alarmOf(at: (path: string) => string): string | undefined {
  const folder = at("sys/class/hwmon");
  const sensor = namesIn(folder).find((name) => textOf(join(folder, name, "name"))?.trim() === "rpi_volt");
  return sensor === undefined ? undefined : textOf(join(folder, sensor, "in0_lcrit_alarm"))?.trim();
}

function diskOf(folder: string): Pick<BoardFigures, "diskUsedBytes" | "diskFreeBytes"> {
  try {
    const { bsize, blocks, bfree, bavail } = statfsSync(folder);
    return { diskUsedBytes: (blocks - bfree) * bsize, diskFreeBytes: bavail * bsize };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return { diskUsedBytes: undefined, diskFreeBytes: undefined };
  }
}

const kib = (name: string, text: string | undefined): number | undefined => {
  const found = numberIn(new RegExp(`^${name}: +(\\d+) kB$`, "m"), text);
  return found === undefined ? undefined : found * 1_024;
};

function numberIn(pattern: RegExp, text: string | undefined): number | undefined {
  const found = pattern.exec(text ?? "")?.[1];
  return found === undefined ? undefined : Number(found);
}

const namesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

/** @returns undefined where there is none, or it is not to be read */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return undefined;
  }
}

/** By what sensors and sandboxes answer; source: errno(3). */
const isUnreadable = (error: unknown): boolean =>
  /^(ENOENT|ENOTDIR|EACCES|EPERM|EIO|EINVAL|ENODATA|ENXIO|ENODEV|EAGAIN|ETIMEDOUT|ENOSYS|EOPNOTSUPP)$/.test(
    String((error as { code?: unknown }).code),
  );
