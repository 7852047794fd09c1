import { Option, type Command } from "commander";
import type { Fleet } from "../fleet/fleet.js";
import type { BoardHealth, FailOn } from "../health/report.js";
import { ExitCode } from "../shared/exit-code.js";
import { addFleetOptions, count, openFleetFor, type FleetFlags } from "./fleet-options.js";
import type { Context } from "./program.js";
import type { Terminal } from "./terminal.js";

const FORMATS = ["table", "json", "prometheus", "junit"] as const;

export interface HealthOptions extends FleetFlags {
  readonly format: (typeof FORMATS)[number];
  readonly json?: boolean;
  readonly failOn: FailOn;
  /** Seconds between two looks; true: the default. */
  readonly watch?: number | true;
}

const DEFAULT_WATCH_S = 10;

export function addHealthCommand(program: Command, context: Context): void {
  addFleetOptions(
    program
      .command("health")
      .summary("show how the boards are")
      .description(
        "Look at every board once: system, memory, disks, temperature, power, clock, services, broker, IM server.\n" +
          "Exit code: 0 no board is critical, 3 one is, or something could not be looked at",
      ),
  )
    .addOption(new Option("--format <format>", "form of the report").choices(FORMATS).default("table"))
    .option("--json", "the same as --format json")
    .addOption(
      new Option("--fail-on <verdict>", "from which verdict on the exit code is 3")
        .choices(["warning", "critical"])
        .default("critical"),
    )
    .addOption(
      new Option("--watch [seconds]", `look again and again (default: every ${DEFAULT_WATCH_S} s)`).argParser(
        count,
      ),
    )
    .addHelpText(
      "after",
      "\nExamples:\n  imcloud health --watch\n  imcloud health --format prometheus > /var/lib/node_exporter/imcloud.prom",
    )
    .action(async (options: HealthOptions) => {
      process.exitCode = await runHealth(options, context);
    });
}

export async function runHealth(options: HealthOptions, context: Context): Promise<ExitCode> {
  const terminal = await context.terminal();
  const fleet = await openFleetFor(options, context, terminal);
  if (options.watch !== undefined) return watch(fleet, options, terminal);
  const health = await look(fleet, terminal);
  // What a probe said until then is no report.
  if (terminal.signal.aborted) return ExitCode.Unhealthy;
  terminal.data(await render(health, options, terminal));
  return exitCodeOf(health, options);
}

async function look(fleet: Fleet, terminal: Terminal, isSilent = false): Promise<readonly BoardHealth[]> {
  const { healthOfFleet } = await import("../fleet/health.js");
  const { silent } = await import("../fleet/progress.js");
  return healthOfFleet(fleet, isSilent ? silent : terminal.progress(fleet.boards.map(({ name }) => name)));
}

/** Until Ctrl-C; on a terminal each report takes the place of the one before. */
async function watch(fleet: Fleet, options: HealthOptions, terminal: Terminal): Promise<ExitCode> {
  const seconds = options.watch === true || options.watch === undefined ? DEFAULT_WATCH_S : options.watch;
  const { setTimeout: wait } = await import("node:timers/promises");
  let last: ExitCode = ExitCode.Ok;
  while (!terminal.signal.aborted) {
    const health = await look(fleet, terminal, true);
    if (terminal.signal.aborted) break;
    const report = await render(health, options, terminal);
    if (process.stdout.isTTY) process.stdout.write("\x1b[H\x1b[2J");
    terminal.data(report);
    terminal.note(`looking again every ${seconds} s; Ctrl-C ends it`);
    last = await exitCodeOf(health, options);
    await wait(seconds * 1_000, undefined, { signal: terminal.signal }).catch(() => undefined);
  }
  return last;
}

async function render(
  health: readonly BoardHealth[],
  { format, json, failOn }: HealthOptions,
  terminal: Terminal,
): Promise<string> {
  const report = await import("../health/report.js");
  const form = json === true ? "json" : format;
  if (form === "json")
    return JSON.stringify(report.healthToJson(health, new Date()), null, process.stdout.isTTY ? 2 : 0);
  if (form === "prometheus") return report.healthToPrometheus(health).trimEnd();
  if (form === "junit") return report.healthToJunit(health, failOn);
  const { renderHealth } = await import("./render-health.js");
  return renderHealth(health, { paint: terminal.dataPaint, width: terminal.width });
}

async function exitCodeOf(health: readonly BoardHealth[], { failOn }: HealthOptions): Promise<ExitCode> {
  const { isFailure } = await import("../health/report.js");
  return health.some(({ verdict }) => isFailure(verdict, failOn)) ? ExitCode.Unhealthy : ExitCode.Ok;
}
