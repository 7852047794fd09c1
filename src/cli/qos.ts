import type { Command } from "commander";
import type { QosStatus, Times } from "../fleet/qos.js";
import type { Queue } from "../health/queues.js";
import type { ExitCode } from "../shared/exit-code.js";
import { addFleetOptions, openFleetFor, type FleetFlags } from "./fleet-options.js";
import type { Context } from "./program.js";
import { boardsToJson, codeOf, noteErrors } from "./report-boards.js";

export interface QosStatusOptions extends FleetFlags {
  readonly json?: boolean;
  readonly measure?: boolean;
}

export function addQosCommand(program: Command, context: Context): void {
  const qos = program
    .command("qos")
    .summary("look at the network's queues")
    .description("The network's queues, which the playbook `qos` sets.");
  addFleetOptions(
    qos
      .command("status")
      .summary("show queues, classes and drops")
      .description(
        "Show each board's queue discipline and rate, and what its classes sent, dropped and hold.\n" +
          "With --measure also how long a TCP connection takes, idle and while the line is full for 5 s.",
      ),
  )
    .option(
      "--measure",
      "fill the line from the board to this machine for 5 s, and time connections meanwhile",
    )
    .option("--json", "write the status to stdout as one JSON document")
    .addHelpText("after", "\nExample:\n  imcloud qos status --on attic --measure")
    .action(async (options: QosStatusOptions) => {
      process.exitCode = await runQosStatus(options, context);
    });
}

export async function runQosStatus(options: QosStatusOptions, context: Context): Promise<ExitCode> {
  const terminal = await context.terminal();
  const fleet = await openFleetFor(options, context, terminal);
  const { qosOfFleet } = await import("../fleet/qos.js");
  const outcomes = await qosOfFleet(fleet, terminal.progress(fleet.boards.map(({ name }) => name)), {
    measure: options.measure === true,
  });
  if (terminal.json) {
    terminal.data(
      JSON.stringify({ version: 1, boards: boardsToJson(outcomes, (status) => ({ ...status })) }, null, 2),
    );
  } else {
    for (const outcome of outcomes) {
      if (outcome.ok)
        terminal.data(`${terminal.dataPaint.bold(outcome.board.name)}\n${renderQosStatus(outcome.value)}`);
    }
  }
  noteErrors(outcomes, terminal);
  return codeOf(outcomes);
}

/** Pure. @returns lines, indented */
export function renderQosStatus({ outward, inward, isConfigured, isMarked, latency }: QosStatus): string {
  const lines = [
    ...(isConfigured ? [] : ["not set by imcloud: the playbook `qos` sets it"]),
    ...(outward === null ? ["no queue"] : queueLines("out", outward)),
    ...(inward === null ? [] : queueLines("in ", inward)),
    `marks: ${isMarked ? "AF41 for the IM cloud, CS1 for its bulk" : "none"}`,
    ...(latency === undefined
      ? []
      : [
          `connecting, idle:       ${timesInWords(latency.idle)}`,
          `connecting, under load: ${timesInWords(latency.loaded)} (${rateInWords(latency.loadKbit)})`,
        ]),
  ];
  return lines.map((line) => `  ${line}`).join("\n");
}

function queueLines(way: string, { device, kind, rateKbit, isOurs, classes }: Queue): readonly string[] {
  const rate = rateKbit === null ? "unlimited" : rateInWords(rateKbit);
  const width = Math.max(...classes.map(({ name }) => name.length), "class".length) + 2;
  const row = (cells: readonly string[]) =>
    `  ${(cells[0] ?? "").padEnd(width)}${cells
      .slice(1)
      .map((cell) => cell.padStart(12))
      .join("")}`;
  return [
    `${way} ${device}: ${kind}, ${rate}${isOurs ? "" : ", not by imcloud"}`,
    row(["class", "sent", "packets", "dropped", "waiting"]),
    ...classes.map(({ name, sentBytes, sentPackets, dropped, backlogBytes }) =>
      row([name, sizeInWords(sentBytes), String(sentPackets), String(dropped), sizeInWords(backlogBytes)]),
    ),
  ];
}

const timesInWords = ({ medianMs, p95Ms, lost }: Times): string =>
  `${medianMs} ms, 95 % within ${p95Ms} ms${lost > 0 ? `, ${lost} without an answer` : ""}`;

const rateInWords = (kbit: number): string =>
  kbit >= 1000 ? `${Math.round(kbit / 100) / 10} Mbit/s` : `${kbit} kbit/s`;

function sizeInWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 100) / 10} kB`;
  return `${Math.round(bytes / 100_000) / 10} MB`;
}
