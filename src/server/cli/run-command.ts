import { loadConfig } from "../load-config.js";
import { Log } from "../runtime/log.js";
import { startServer } from "../server.js";
export async function runCommand(argv: string[]): Promise<number> {
  const config = loadConfig(argv[argv.indexOf("--config") + 1] ?? "");
  const log = new Log(config.logLevel);
  const server = await startServer(config, log, {});
  log.info("serving", { ports: server.ports });
  await new Promise<void>((resolve) => process.once("SIGTERM", resolve));
  await server.stop();
  return 0;
}
