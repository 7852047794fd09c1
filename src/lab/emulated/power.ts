/**
 * An emulated board's power switch, and the wait behind it.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ImcloudError } from "../../shared/errors.js";
import { ACCOUNTS } from "../accounts.js";
import type { BoardRecord } from "../board-record.js";
import { boardPlace } from "../layout.js";
import { untilLoginWorks, type SshTarget } from "../ssh.js";
import { machineFiles, SSH_PORT, type EmulatedLab } from "./layout.js";
import { startMachine, type RunningMachine } from "./machine.js";
import { qemuArguments, type Forward, type Hardware, type Memory } from "./qemu.js";
import { APT_CACHE_IN_BOARD } from "./root.js";

/** 70 s on an idle machine with two cores, 125 s seen on a busy one. */
const BOOT_DEADLINE_MS = 420_000;

/** Starts the emulator; the board waits for `cont`. */
export async function powerOn(
  lab: EmulatedLab,
  { number }: BoardRecord,
  { hardware, forwards }: { readonly hardware: Hardware; readonly forwards: readonly Forward[] },
  kernelCommandLine: string,
  memory: Memory,
): Promise<RunningMachine> {
  const place = boardPlace(lab, number);
  const files = machineFiles(place);
  const wiring = {
    address: place.address,
    forwards: [{ machinePort: SSH_PORT, boardPort: 22 }, ...forwards],
    aptCache: { inBoard: APT_CACHE_IN_BOARD, onMachine: { host: lab.gateway, port: lab.aptCachePort } },
  };
  const args = qemuArguments(hardware, files, kernelCommandLine, wiring, memory);
  return startMachine(place, files.control, args);
}

/** The account that every board lets in with the lab's key, and to root without a password. */
export function labAccess(lab: EmulatedLab, { number, name }: BoardRecord): SshTarget {
  const { address, folder } = boardPlace(lab, number);
  return {
    ...{ name, address, port: SSH_PORT, user: ACCOUNTS.pi.name, sshKeyPath: lab.sshKeyPath },
    knownHostsPath: join(folder, "known_hosts"),
  };
}

/**
 * @param isOn whether the board has power, or is between two boots
 * @throws ImcloudError `lab.not-ready` with the console's last lines
 */
export async function untilLogin(lab: EmulatedLab, board: BoardRecord, isOn: () => boolean): Promise<void> {
  const refusal = await untilLoginWorks(labAccess(lab, board), BOOT_DEADLINE_MS, () =>
    Promise.resolve(isOn()),
  );
  if (refusal === undefined) return;
  const log = await readFile(boardPlace(lab, board.number).consoleLog, "utf8").catch(() => "no console");
  throw new ImcloudError("lab.not-ready", `\`${board.name}\` lets nobody in`, {
    found: [refusal, ...log.trimEnd().split("\n").slice(-20)].join("\n"),
    hint: "look for the cause in the board's console, above",
  });
}
