/**
 * An ACME server and a DNS of tests: Pebble, of Let's Encrypt's makers, and its DNS with an API, which stands for a
 * provider's.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, untilListening } from "./listening.js";

export class Services {
  readonly #running: ChildProcess[] = [];

  /** Resolves when it listens on the port of this machine. */
  async start(
    port: number,
    program: string,
    args: readonly string[],
    settings: Readonly<Record<string, string>> = {},
    address = "127.0.0.1",
  ): Promise<void> {
    const child = spawn(program, args, { env: { ...process.env, ...settings }, stdio: "ignore" });
    this.#running.push(child);
    await untilListening(program, port, child, address);
  }

  /** @returns the ports of its DNS, and of the API at \`/set-txt\` and \`/clear-txt\` */
  async provider(address: string): Promise<{ readonly dns: number; readonly api: number }> {
    const [dns, api] = [await freePort(), await freePort()];
    const off = ["-http01", "", "-https01", "", "-tlsalpn01", ""];
    const on = ["-dns01", `${address}:${dns}`, "-management", `${address}:${api}`];
    await this.start(api, "pebble-challtestsrv", [...on, ...off], {}, address);
    return { dns, api };
  }

  /**
   * @param chainAndKeyFile of its own address
   * @returns its directory; it looks for proofs in the DNS at this port
   */
  async pebble(folder: string, address: string, dnsPort: number, chainAndKeyFile: string): Promise<string> {
    const [port, management] = [await freePort(), await freePort()];
    const config = join(folder, `pebble-${port}.json`);
    const settings = {
      ...{ listenAddress: `${address}:${port}`, managementListenAddress: `${address}:${management}` },
      ...{ certificate: chainAndKeyFile, privateKey: chainAndKeyFile, httpPort: 1, tlsPort: 1 },
    };
    writeFileSync(config, JSON.stringify({ pebble: settings }));
    const args = ["-config", config, "-dnsserver", `${address}:${dnsPort}`];
    await this.start(port, "pebble", args, { PEBBLE_VA_NOSLEEP: "1" }, address);
    return `https://${address}:${port}/dir`;
  }

  async stop(): Promise<void> {
    for (const child of this.#running.splice(0)) {
      const gone = new Promise((resolve) => child.once("close", resolve));
      if (child.kill("SIGKILL")) await gone;
    }
  }
}
