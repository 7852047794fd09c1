/** The way to a board: what is given up is given up. */
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { reach } from "../../../src/board/ssh-road.js";
import type { SshTarget } from "../../../src/board/ssh-target.js";

const targetAt = (port: number): SshTarget => ({
  ...{ board: "pi", address: "127.0.0.1", port, user: "pi" },
  ...{ identityFiles: [], identitiesOnly: false, agent: "", knownHostsFiles: [] },
  ...{ jumps: [], pinnedHostKeys: [] },
});

test("a connection that is given up while it is made is closed, and its error is no crash", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  let open = 0;
  server.on("connection", (socket) => {
    open += 1;
    socket.resume().on("close", () => (open -= 1));
  });
  const giveUp = async () => {
    const stopping = new AbortController();
    const target = targetAt(port);
    const reached = reach(target, target, undefined, { timeoutMs: 5_000, signal: stopping.signal });
    stopping.abort();
    await expect(reached).rejects.toMatchObject({ code: "board.lost" });
    await delay(100);
  };
  await giveUp();
  expect(open).toBe(0);
  await new Promise((closed) => server.close(closed));
  await giveUp();
});
