/** The IM server's program: `bun main.js serve --config FILE`. */
import { runCommand } from "./cli/run-command.js";

process.exitCode = await runCommand(process.argv.slice(2));
