/**
 * QEMU's control connection: commands one after the other, and what happens by itself.
 *
 * Source: QEMU's "QEMU Machine Protocol Specification" and its reference manual.
 */
import { EventEmitter, once } from "node:events";
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { z } from "zod";
import { ImcloudError } from "../../shared/errors.js";

const Message = z.union([
  z.object({ QMP: z.unknown() }),
  z.object({ event: z.string(), data: z.record(z.string(), z.unknown()).default({}) }),
  z.object({ error: z.object({ class: z.string(), desc: z.string() }) }),
  z.object({ return: z.unknown() }),
]);

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Control {
  /** By QEMU's names, such as `SHUTDOWN`; the argument is the event's data. */
  readonly events = new EventEmitter<Record<string, [Readonly<Record<string, unknown>>]>>();
  readonly #socket: Socket;
  /** Answers come in the order of their commands. */
  readonly #waiting: Waiting[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    createInterface({ input: socket }).on("line", (line) => this.#hear(line));
    // A killed emulator resets the connection: its end is all there is to know.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      for (const { reject } of this.#waiting.splice(0)) reject(controlLost());
    });
  }

  /** @throws ImcloudError `lab.failed` with QEMU's own words */
  async execute(command: string, parameters: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    if (this.#socket.destroyed) throw controlLost();
    const answer = new Promise<unknown>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: parameters })}\n`);
    return answer.catch((cause: unknown) => {
      throw new ImcloudError("lab.failed", `the emulator refuses \`${command}\``, {
        found: cause instanceof Error ? cause.message : String(cause),
        hint: "see the emulator's log in the board's folder",
        cause,
      });
    });
  }

  #hear(line: string): void {
    const message = Message.parse(JSON.parse(line));
    if ("event" in message) this.events.emit(message.event, message.data);
    else if ("error" in message) this.#waiting.shift()?.reject(new Error(message.error.desc));
    else if ("return" in message) this.#waiting.shift()?.resolve(message.return);
  }
}

/** Listens before QEMU is started: it connects, so nobody has to ask whether it is there yet. */
export async function listenForEmulator(path: string): Promise<{
  readonly connected: Promise<Control>;
  close(): void;
}> {
  const server = createServer().listen(path);
  await once(server, "listening");
  const connected = once(server, "connection").then(async ([socket]) => {
    const control = new Control(socket as Socket);
    await control.execute("qmp_capabilities");
    return control;
  });
  return { connected, close: () => server.close() };
}

const controlLost = () => new Error("it has ended");
