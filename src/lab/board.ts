/**
 * One virtual board that has been made: its switch, its cable, its disk, and a shell on it.
 */
import { readFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import { ImcloudError } from "../shared/errors.js";
import { ACCOUNTS } from "./accounts.js";
import type { BoardRecord } from "./board-record.js";
import { boardPlace, type LabLayout } from "./layout.js";
import { manifestScript } from "./manifest.js";
import { setLink } from "./network.js";
import { boardInit, cutPower, powerOn, runningLauncher } from "./power.js";
import { removeBoards } from "./setup.js";
import { untilLoginWorks, type SshTarget } from "./ssh.js";

const BOOT_DEADLINE_MS = 60_000;
const COMMAND_DEADLINE_MS = 300_000;
const POLL_MS = 10;

export class VirtualBoard implements AsyncDisposable {
  readonly #lab: LabLayout;
  readonly #record: BoardRecord;

  constructor(lab: LabLayout, record: BoardRecord) {
    this.#lab = lab;
    this.#record = record;
  }

  /** The board's hostname, and its name in `imcloud.yaml`. */
  get name(): string {
    return this.#record.name;
  }

  /** The board's number in the lab: its identity there. */
  get number(): number {
    return this.#record.number;
  }

  get address(): string {
    return boardPlace(this.#lab, this.number).address;
  }

  readonly port: number = 22;

  get user(): string {
    return this.#record.user;
  }

  /** The secret half of the key that opens every account with `keyAuthorized`. */
  get sshKeyPath(): string {
    return this.#lab.sshKeyPath;
  }

  /** The public host key: algorithm and base64, as in known_hosts. */
  get hostKey(): string {
    return this.#record.hostKey;
  }

  /** Of the host key: `SHA256:...`. */
  get fingerprint(): string {
    return this.#record.fingerprint;
  }

  /** A known_hosts file that holds this board's key. */
  get knownHostsPath(): string {
    return join(boardPlace(this.#lab, this.number).folder, "known_hosts");
  }

  /** What the board's console showed, boot after boot. */
  get consoleLog(): string {
    return boardPlace(this.#lab, this.number).consoleLog;
  }

  /** The board's process 1 by its number on this machine, for strace and the like; it changes with every boot. */
  async init(): Promise<number> {
    const pid = await boardInit(this.#lab, this.number);
    if (pid === undefined) throw boardIsOff(this.name);
    return pid;
  }

  /**
   * Where this machine sees a file of the board: for tests that follow a file faster than `sh` could.
   *
   * @param path absolute, as seen on the board; no symbolic link on the way
   */
  async hostPath(path: string): Promise<string> {
    return join(`/proc/${await this.init()}/root`, path);
  }

  /**
   * Runs a command as root in the board, past SSH: it works with the cable pulled and leaves no login record.
   *
   * @param input what the command reads
   * @returns what it wrote to stdout, without the last line end
   * @throws ImcloudError `lab.failed` when it ends with another status than 0, `lab.not-ready` when the board is off
   */
  async sh(command: string, input = ""): Promise<string> {
    const result = await execa(
      "nsenter",
      [
        "--all",
        `--target=${await this.init()}`,
        "/bin/sh",
        "-c",
        'cd && exec /bin/sh -c "$1"',
        "sh",
        command,
      ],
      { reject: false, input, timeout: COMMAND_DEADLINE_MS, extendEnv: false, env: ROOT_ENVIRONMENT },
    );
    if (!result.failed) return result.stdout;
    throw new ImcloudError("lab.failed", `a command on \`${this.name}\` failed`, {
      found: `${command}\nstatus ${result.exitCode ?? result.signal}\n${result.stdout}\n${result.stderr}`,
      hint: `try it by hand: imcloud lab ssh ${this.name}`,
      cause: result,
    });
  }

  /** Path, type, mode, owner, modification time and hash of all files; compare two with `compareManifests`. */
  async manifest(): Promise<string> {
    return this.sh(manifestScript());
  }

  /** Kills the board and its network at once. What it had written stays, as on a card whose page cache was lucky. */
  async cutPower(): Promise<void> {
    await cutPower(this.#lab, this.number);
  }

  /** Starts the board, whether its power was cut or it shut itself down; resolves when somebody can log in. */
  async restorePower(): Promise<void> {
    await powerOn(this.#lab, this.#record);
    await this.untilReady();
  }

  /** Asks the board to reboot, and waits for the next boot's login. */
  async reboot(): Promise<void> {
    const before = await this.init();
    await this.sh("systemctl reboot");
    const deadline = Date.now() + BOOT_DEADLINE_MS;
    while ((await boardInit(this.#lab, this.number)) === before && Date.now() < deadline)
      await delay(POLL_MS);
    await this.untilReady();
  }

  /** Pulls the network cable. Connections stay open on both sides and hear nothing. */
  async cutLink(): Promise<void> {
    await setLink(boardPlace(this.#lab, this.number).link, "down");
  }

  /** Resolves when somebody can log in again: the neighbours need a moment to find each other. */
  async restoreLink(): Promise<void> {
    await setLink(boardPlace(this.#lab, this.number).link, "up");
    await this.untilReady();
  }

  /** @throws ImcloudError `lab.not-ready` after a minute, or at once when the board has ended, with its console */
  async untilReady(): Promise<void> {
    const deadline = Date.now() + BOOT_DEADLINE_MS;
    const place = boardPlace(this.#lab, this.number);
    // Not before the cable is in: a question to an address that nobody has blocks the next one for a second.
    while (!(existsSync(place.launcherFile) && (await hasCarrier(place.link)))) {
      const ended =
        existsSync(place.launcherFile) && (await runningLauncher(this.#lab, this.number)) === undefined;
      if (ended || Date.now() > deadline)
        throw await this.#didNotStart(ended ? "its launcher ended" : "no network");
      await delay(POLL_MS);
    }
    const refusal = await untilLoginWorks(this.#sshTarget(), deadline - Date.now(), () => this.#isOn());
    if (refusal !== undefined) throw await this.#didNotStart(refusal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeBoards(this.#lab, [this.number]);
  }

  async #isOn(): Promise<boolean> {
    return (await runningLauncher(this.#lab, this.number)) !== undefined;
  }

  #sshTarget(): SshTarget {
    // The lab's key does not open every account; `pi` is there on every board.
    const { name, address, port, sshKeyPath, knownHostsPath } = this;
    return { name, address, port, sshKeyPath, knownHostsPath, user: ACCOUNTS.pi.name };
  }

  /** The console goes into the error, because the board itself is removed. */
  async #didNotStart(why: string): Promise<ImcloudError> {
    const log = await readFile(this.consoleLog, "utf8").catch(() => "no console");
    return new ImcloudError("lab.not-ready", `\`${this.name}\` lets nobody in`, {
      found: [why, ...log.trimEnd().split("\n").slice(-20)].join("\n"),
      hint: "look for the cause in the board's console, above; `dmesg` of this machine may say more",
    });
  }
}

const ROOT_ENVIRONMENT = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  LANG: "C.UTF-8",
};

async function hasCarrier(link: string): Promise<boolean> {
  // Reading the carrier of a link that is down is an error; of one that is not there, too.
  return (await readFile(`/sys/class/net/${link}/carrier`, "utf8").catch(() => "")).trim() === "1";
}

function boardIsOff(name: string): ImcloudError {
  return new ImcloudError("lab.not-ready", `\`${name}\` is off or between two boots`, {
    hint: "start it with `restorePower()`, or wait with `untilReady()`",
  });
}
