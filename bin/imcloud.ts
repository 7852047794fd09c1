#!/usr/bin/env node
/** Parses nothing but what must be answered at once, and hands over. */
import { endAtBrokenPipe } from "../src/cli/broken-pipe.js";
import { run } from "../src/cli/run.js";

endAtBrokenPipe(process, (code) => process.exit(code));
process.exitCode = await run(process.argv.slice(2));
