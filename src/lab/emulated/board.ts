/**
 * One emulated board: its switch, its cable, and a shell on it. The same as a virtual board's, where it can be.
 */
import { EventEmitter, once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ImcloudError } from "../../shared/errors.js";
import type { BoardRecord } from "../board-record.js";
import { boardPlace } from "../layout.js";
import { manifestScript } from "../manifest.js";
import { releaseBoard } from "./boards.js";
import { loadBootFiles } from "./firmware.js";
import { thaw } from "./freeze.js";
import { machineFiles, SSH_PORT, type EmulatedLab, type MachineFiles } from "./layout.js";
import type { RunningMachine } from "./machine.js";
import { labAccess, powerOn, untilLogin } from "./power.js";
import type { Forward, Hardware, Memory } from "./qemu.js";
import { runAsRoot } from "./shell.js";
import { makeSsd, plugSsd, unplugSsd, type Ssd } from "./ssd.js";
import { copyTemplate, memoryOf, overlayDisk, stateOf } from "./template.js";

interface Equipment {
  readonly hardware: Hardware;
  readonly forwards: readonly Forward[];
  readonly ssd: Ssd | undefined;
}

const SHUTDOWN_DEADLINE_MS = 300_000;

export class EmulatedBoard implements AsyncDisposable {
  readonly port: number = SSH_PORT;
  readonly #lab: EmulatedLab;
  readonly #record: BoardRecord;
  readonly #equipment: Equipment;
  readonly #files: MachineFiles;
  readonly #restarts = new EventEmitter<{ restart: []; error: [unknown] }>();
  #machine: RunningMachine | undefined;
  /** A reboot, while it is between two boots. */
  #restarting: Promise<void> | undefined;
  #isSsdUnplugged = false;

  constructor(lab: EmulatedLab, record: BoardRecord, equipment: Equipment) {
    this.#lab = lab;
    this.#record = record;
    this.#equipment = equipment;
    this.#files = machineFiles(boardPlace(lab, record.number));
  }

  get name(): string {
    return this.#record.name;
  }

  /** On this machine only; every board has its own. */
  get address(): string {
    return boardPlace(this.#lab, this.#record.number).address;
  }

  get user(): string {
    return this.#record.user;
  }

  /** The secret half of the key that opens every account but `fresh`. */
  get sshKeyPath(): string {
    return this.#lab.sshKeyPath;
  }

  /** The public host key, which all emulated boards of the lab share. */
  get hostKey(): string {
    return this.#record.hostKey;
  }

  get fingerprint(): string {
    return this.#record.fingerprint;
  }

  get knownHostsPath(): string {
    return join(this.#files.folder, "known_hosts");
  }

  get consoleLog(): string {
    return this.#files.console;
  }

  /** Runs a command as root in the board, over SSH. @see VirtualBoard.sh */
  async sh(command: string, input = ""): Promise<string> {
    return runAsRoot(labAccess(this.#lab, this.#record), command, input);
  }

  /** @see VirtualBoard.manifest */
  async manifest(): Promise<string> {
    return this.sh(manifestScript());
  }

  /** The first start: a copy of the template goes on where it was frozen, with a name and a clock of its own. */
  async thaw(): Promise<void> {
    const template = this.#record.base;
    await copyTemplate(template, this.#files);
    await this.#start("", { kind: "from-file", path: memoryOf(template) }, (machine) =>
      thaw(machine.control, stateOf(template)),
    );
    await this.untilReady();
    // Written through: a power cut must not give the board its old name back.
    await this.sh(
      `now=$(cat); [ $((now - $(date +%s))) -lt 2 ] || date --utc --set=@$now >/dev/null
       hostname ${this.name}; hostname >/etc/hostname
       sed -i 's/raspberrypi/${this.name}/' /etc/hosts; sync`,
      String(Math.round(Date.now() / 1000)),
    );
  }

  /** Kills the emulator: all that the board has not flushed to a disk is lost. Its connections end at once. */
  async cutPower(): Promise<void> {
    await Promise.allSettled([this.#restarting]);
    await this.#machine?.kill();
    this.#machine = undefined;
  }

  /**
   * Puts a card into the board, which must be off. What the board writes goes beside it.
   *
   * @param card a whole disk, raw
   */
  async insertCard(card: string): Promise<void> {
    await rm(this.#files.sd, { force: true });
    await overlayDisk(card, "raw", this.#files.sd);
  }

  /** A cold boot that nobody waits for: of a card whose accounts the lab does not know. */
  async switchOn(): Promise<void> {
    await this.#coldBoot();
  }

  /** A cold boot from its disks, with the kernel of its own boot partition; resolves when somebody can log in. */
  async restorePower(): Promise<void> {
    await this.#coldBoot();
    await this.untilReady();
  }

  /** Asks the board to reboot, and waits for the next boot's login. */
  async reboot(): Promise<void> {
    const signal = AbortSignal.timeout(SHUTDOWN_DEADLINE_MS);
    const [restarted, asked] = await Promise.allSettled([
      once(this.#restarts, "restart", { signal }),
      this.sh("systemctl --no-block reboot"),
    ]);
    // A shutdown may close the connection before the command that asked for it has ended: the restart alone counts.
    if (restarted.status === "rejected") throw asked.status === "rejected" ? asked.reason : restarted.reason;
    await this.untilReady();
  }

  /** Takes the board's time away: nothing in it notices, its clocks stand still too. */
  async pause(): Promise<void> {
    await this.#running().control.execute("stop");
  }

  async resume(): Promise<void> {
    await this.#running().control.execute("cont");
  }

  /** Pulls the network cable. */
  async cutLink(): Promise<void> {
    await this.#running().control.execute("set_link", { name: "n0", up: false });
  }

  async restoreLink(): Promise<void> {
    await this.#running().control.execute("set_link", { name: "n0", up: true });
  }

  /** Pulls the disk out of its USB port, while the board is on or off; what is on it stays. */
  async unplugSsd(): Promise<void> {
    const { ssd } = this.#equipment;
    if (ssd === undefined || this.#isSsdUnplugged) throw new Error("no disk is plugged in");
    this.#isSsdUnplugged = true;
    if (this.#machine?.isOn() === true) await unplugSsd(ssd, this.#machine.control);
  }

  async plugSsd(): Promise<void> {
    const { ssd } = this.#equipment;
    if (ssd === undefined || !this.#isSsdUnplugged) throw new Error("no disk lies beside the board");
    this.#isSsdUnplugged = false;
    if (this.#machine?.isOn() === true) await plugSsd(ssd, this.#files, this.#machine.control);
  }

  /** @throws ImcloudError `lab.not-ready` */
  async untilReady(): Promise<void> {
    await untilLogin(this.#lab, this.#record, () => this.#isOn());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cutPower();
    await releaseBoard(this.#lab, this.#record.number);
  }

  #isOn(): boolean {
    return this.#restarting !== undefined || this.#machine?.isOn() === true;
  }

  #running(): RunningMachine {
    if (this.#machine?.isOn() === true) return this.#machine;
    throw new ImcloudError("lab.not-ready", `\`${this.name}\` is off or between two boots`, {
      hint: "start it with `restorePower()`, or wait with `untilReady()`",
    });
  }

  async #coldBoot(): Promise<void> {
    await this.#start(await loadBootFiles(this.#files), { kind: "own" }, () => Promise.resolve());
  }

  async #start(
    kernelCommandLine: string,
    memory: Memory,
    fill: (machine: RunningMachine) => Promise<void>,
  ): Promise<void> {
    const { ssd } = this.#equipment;
    const machine = await powerOn(this.#lab, this.#record, this.#equipment, kernelCommandLine, memory);
    this.#machine = machine;
    machine.control.events.on("SHUTDOWN", ({ reason }) => this.#hasStopped(machine, reason));
    await fill(machine);
    if (ssd !== undefined && !this.#isSsdUnplugged) {
      await makeSsd(ssd, this.#files);
      await plugSsd(ssd, this.#files, machine.control);
    }
    await machine.control.execute("cont");
  }

  /** The board has ended by itself, and stands still. */
  #hasStopped(machine: RunningMachine, reason: unknown): void {
    const next = () => (reason === "guest-reset" ? this.#coldBoot() : Promise.resolve());
    this.#restarting = machine
      .kill()
      .then(next)
      .finally(() => {
        this.#restarting = undefined;
      });
    this.#restarting.then(
      () => this.#restarts.emit("restart"),
      // With nobody to hear it, an `error` event is thrown: a board that does not come back is nobody's secret.
      (error: unknown) => this.#restarts.emit("error", error),
    );
  }
}
