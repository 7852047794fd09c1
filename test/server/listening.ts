/** Ports of programs that tests start. */
import type { ChildProcess } from "node:child_process";
import { connect, createServer, type AddressInfo } from "node:net";

const READY_MS = 60_000;

/** A port that nobody uses at present. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** @throws Error when the program ends before it listens, or takes too long */
export async function untilListening(
  name: string,
  port: number,
  child: ChildProcess,
  address = "127.0.0.1",
): Promise<void> {
  const deadline = Date.now() + READY_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
    if (await canConnect(port, address)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${name} did not listen within ${READY_MS} ms`);
}

function canConnect(port: number, address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, address);
    const answer = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once("connect", () => answer(true));
    socket.once("error", () => answer(false));
  });
}
