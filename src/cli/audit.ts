import { Option, type Command } from "commander";
import type { FailOn } from "../health/report.js";
import { ExitCode } from "../shared/exit-code.js";
import { addFleetOptions, openFleetFor, type FleetFlags } from "./fleet-options.js";
import type { Context } from "./program.js";

export interface AuditOptions extends FleetFlags {
  readonly json?: boolean;
  readonly failOn: FailOn;
}

export function addAuditCommand(program: Command, context: Context): void {
  addFleetOptions(
    program
      .command("audit")
      .summary("show where the boards are open to attack")
      .description(
        "Look at every board once: open ports, firewall, passwords that everybody knows, SSH and sudo, secrets that\n" +
          "others can read, the broker's accounts, certificate, sandbox, updates. Changes nothing.\n" +
          "Exit code: 0 nothing is critical, 3 something is, or could not be looked at",
      ),
  )
    .option("--json", "write the findings to stdout as one JSON document, in the form of `health --json`")
    .addOption(
      new Option("--fail-on <verdict>", "from which verdict on the exit code is 3")
        .choices(["warning", "critical"])
        .default("critical"),
    )
    .addHelpText("after", "\nExample:\n  imcloud audit --on attic --fail-on warning")
    .action(async (options: AuditOptions) => {
      process.exitCode = await runAudit(options, context);
    });
}

export async function runAudit({ failOn, ...options }: AuditOptions, context: Context): Promise<ExitCode> {
  const terminal = await context.terminal();
  const fleet = await openFleetFor(options, context, terminal);
  const { auditsFor } = await import("../health/audits.js");
  const { healthOfFleet } = await import("../fleet/health.js");
  const { healthToJson, isFailure } = await import("../health/report.js");
  const findings = await healthOfFleet(
    fleet,
    terminal.progress(fleet.boards.map(({ name }) => name)),
    auditsFor,
  );
  // What a probe said until then is no report.
  if (terminal.signal.aborted) return ExitCode.Unhealthy;
  if (terminal.json) terminal.data(JSON.stringify(healthToJson(findings, new Date()), null, 2));
  else {
    const { renderHealth } = await import("./render-health.js");
    terminal.data(renderHealth(findings, { paint: terminal.dataPaint, width: terminal.width }));
  }
  return findings.some(({ verdict }) => isFailure(verdict, failOn)) ? ExitCode.Unhealthy : ExitCode.Ok;
}
