/**
 * The program's commands. Exit codes follow sysexits(3): 0 done, 1 failed, 64 not understood, 69 not to be
 * had, 78 a configuration that cannot be used.
 */
import { parseArgs, type ParseArgsConfig } from "node:util";
import { ConfigError, loadConfig } from "../load-config.js";
import { UsageError } from "./usage.js";

const USAGE = `usage: imcloud-server COMMAND

  serve --config FILE          serve until SIGTERM; SIGHUP reads the certificates anew
  serve --dev DIR [--port N]   serve on loopback, all data in DIR, open registration
  check-config --config FILE   say whether the file can be used
  probe --config FILE --json   log in, send, sync and reach the broker, as the service account
  measure --config FILE --json    how fast the disk and the broker are, in a few seconds
  user add NAME --config FILE [--admin]   make an account; the password comes on standard input
  user passwd NAME --config FILE          set a password, which comes on standard input; ends all sessions
  user list --config FILE                 print all accounts as JSON lines
  backup DIR --config FILE                copy all data into an empty folder, also while the server runs
  backup - --config FILE                  the same as a tar archive on standard output
  check [DIR] --config FILE               look whether the data, or those of a backup, are whole
  restore DIR --config FILE [--replace]   bring a backup back; the server must not run
  restore - --config FILE [--replace]     the same from an archive on standard input
  certificate --config FILE               have the certificate by ACME issued or renewed, when it is time
  admin METHOD PATH --config FILE         ask the running server as its operator; a body comes on standard input
`;

export const Exit = { Ok: 0, Failed: 1, Usage: 64, Unavailable: 69, Config: 78 } as const;

const OPTIONS = {
  config: { type: "string" },
  dev: { type: "string" },
  port: { type: "string" },
  json: { type: "boolean" },
  admin: { type: "boolean" },
  replace: { type: "boolean" },
  help: { type: "boolean" },
} as const satisfies ParseArgsConfig["options"];

/** @returns the exit code; everything to be said was said */
export async function runCommand(argv: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parseArguments(argv);
    const [command, ...rest] = positionals;
    if (values.help === true) {
      process.stdout.write(USAGE);
      return Exit.Ok;
    }
    const config = () => {
      if (values.config === undefined) throw new UsageError("--config FILE is needed");
      return loadConfig(values.config);
    };
    switch (command) {
      case "serve": {
        const { serve, devConfig } = await import("./serve.js");
        return await serve(values.dev === undefined ? config() : devConfig(values.dev, values.port));
      }
      case "check-config": {
        const { loadAppServices } = await import("../load-app-services.js");
        await loadAppServices(config());
        process.stdout.write("the configuration can be used\n");
        return Exit.Ok;
      }
      case "probe": {
        const { probe } = await import("./probe.js");
        return (await probe(config())) ? Exit.Ok : Exit.Failed;
      }
      case "measure": {
        const { measure } = await import("./measure.js");
        await measure(config());
        return Exit.Ok;
      }
      case "user": {
        const { runUserCommand } = await import("./user.js");
        return await runUserCommand(rest, config(), values.admin ?? false);
      }
      case "backup":
      case "check":
      case "restore": {
        const { runBackupCommand } = await import("./backup.js");
        return await runBackupCommand(command, rest, config(), values.replace ?? false);
      }
      case "certificate": {
        const { keepCertificate } = await import("./certificate.js");
        process.stdout.write(`${await keepCertificate(config(), new Date())}\n`);
        return Exit.Ok;
      }
      case "admin": {
        const { runAdminCommand } = await import("./admin.js");
        return await runAdminCommand(rest, config());
      }
      default:
        throw new UsageError(command === undefined ? "a command is needed" : `\`${command}\` is no command`);
    }
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\n\n${USAGE}`);
      return Exit.Usage;
    }
    if (error instanceof ConfigError) {
      process.stderr.write(`${error.message}\n`);
      return Exit.Config;
    }
    process.stderr.write(`${messagesOf(error).join(": ")}\n`);
    return Exit.Unavailable;
  }
}

function parseArguments(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** An error's message with those of its causes. */
function messagesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  return error.cause === undefined ? [error.message] : [error.message, ...messagesOf(error.cause)];
}
