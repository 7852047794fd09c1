/**
 * A process beside the server, for work that may hang, crash or eat memory without harming anybody: it is started when
 * there is something to do, gets one question at a time, and is ended when it takes too long or too much, or when
 * nobody has asked for a while. A thread would not do: its memory is the server's own, and a crash the server's end.
 */
import { readFileSync } from "node:fs";
import { within } from "./within.js";

/** Between two looks at its memory, in milliseconds: it grows by some megabytes in that time. */
const LOOK_MS = 20;
/** The part of its memory that leaves room for the next question. */
const ENOUGH = 0.7;
/** Source: proc(5), `statm`; the page size of all systems that the server runs on. */
const PAGE_BYTES = 4_096;

export interface HelperLimits {
  /** For one question, the start of the process included, in milliseconds. */
  readonly timeoutMs: number;
  /** Resident memory, in bytes. */
  readonly memoryBytes: number;
  /** After the last answer, in milliseconds. */
  readonly idleMs: number;
  /** Questions that wait for their turn. */
  readonly mostWaiting: number;
}

/** Too many questions wait already. */
export class HelperBusyError extends Error {
  override readonly name = "HelperBusyError";
}
/** The process ended without an answer: it took too long or too much memory, or it crashed. */
export class HelperEndedError extends Error {
  override readonly name = "HelperEndedError";
}

interface Running {
  readonly process: Bun.Subprocess;
  readonly ended: Promise<void>;
}

export class HelperProcess<Question, Answer> {
  readonly #file: string;
  readonly #limits: HelperLimits;
  #running: Running | undefined;
  #answered: ((answer: Answer) => void) | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  /** @param file a script that answers each message that its parent sends by one of its own */
  constructor(file: URL, limits: HelperLimits) {
    this.#file = Bun.fileURLToPath(file);
    this.#limits = limits;
  }

  /** @throws HelperBusyError, HelperEndedError */
  async ask(question: Question): Promise<Answer> {
    if (this.#waiting > this.#limits.mostWaiting) throw new HelperBusyError("too much waits already");
    this.#waiting += 1;
    const own = this.#last.then(() => this.#askNow(question));
    this.#last = own.catch(() => undefined);
    try {
      return await own;
    } finally {
      this.#waiting -= 1;
    }
  }

  /** Ends the process, and what it was at. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#end();
  }

  async #askNow(question: Question): Promise<Answer> {
    if (this.#isStopped) throw new HelperEndedError("the server stops");
    clearTimeout(this.#idle);
    const { process, ended } = (this.#running ??= this.#start());
    let isHungry = false;
    const watch = setInterval(() => {
      if (memoryOf(process.pid) <= this.#limits.memoryBytes) return;
      isHungry = true;
      process.kill("SIGKILL");
    }, LOOK_MS);
    try {
      const answer = new Promise<Answer>((resolve) => (this.#answered = resolve));
      process.send(question);
      const crashed = ended.then(() => {
        const why = isHungry ? "took too much memory" : `ended: ${process.signalCode ?? process.exitCode}`;
        throw new HelperEndedError(`the process ${why}`);
      });
      const result = await within(this.#limits.timeoutMs, "no answer", Promise.race([answer, crashed]));
      // What it took it does not give back.
      if (memoryOf(process.pid) > this.#limits.memoryBytes * ENOUGH) await this.#end();
      else this.#idle = setTimeout(() => void this.#end(), this.#limits.idleMs);
      return result;
    } catch (error) {
      await this.#end();
      throw error instanceof HelperEndedError
        ? error
        : new HelperEndedError("the process took too long", { cause: error });
    } finally {
      clearInterval(watch);
      this.#answered = undefined;
    }
  }

  #start(): Running {
    const child = Bun.spawn([process.execPath, this.#file], {
      // Nothing of the server's own: no credentials, no socket to systemd.
      env: { BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" },
      stdio: ["ignore", "ignore", "inherit"],
      serialization: "json",
      ipc: (message: Answer, from) => {
        if (from === this.#running?.process) this.#answered?.(message);
      },
    });
    const running: Running = {
      process: child,
      ended: child.exited.then(() => {
        if (this.#running === running) this.#running = undefined;
      }),
    };
    return running;
  }

  async #end(): Promise<void> {
    clearTimeout(this.#idle);
    const running = this.#running;
    running?.process.kill("SIGKILL");
    await running?.ended;
  }
}

/** Resident, in bytes; 0 of a process that has ended, and where there is no /proc. */
function memoryOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * PAGE_BYTES;
  } catch {
    return 0;
  }
}
