#!/usr/bin/env node
/** Parses nothing but what must be answered at once, and hands over. */
import { run } from "../src/cli/run.js";

process.exitCode = await run(process.argv.slice(2));
