/**
 * The parts of docs/ that are made from the program itself, so that they cannot be wrong.
 *
 * A page is written by hand, but for what stands between `<!-- made by ... -->` and `<!-- end -->`: that is
 * replaced. A test fails when a page in the repository is stale.
 */
import type { Command } from "commander";
import { z } from "zod";
import { jsonSchema } from "../config/document.js";
import { AUDITS } from "../health/audits.js";
import { BAD_UNDER_UAS } from "../board/usb-adapters.js";
import { CHECKS } from "../health/checks.js";
import { RESOURCE_TYPES } from "../resources/registry.js";
import { FOLKLORE } from "../resources/sysctl-folklore.js";
import { BusEvent, BusHeaders } from "../shared/bus-event.js";
import { ERRORS } from "../shared/errors.js";
import { RELEASES } from "../shared/releases.js";
import { sysctlRows } from "./sysctl-table.js";
import { schemaTable, type SchemaNode } from "../shared/schema-table.js";

type Part =
  | "commands"
  | "settings"
  | "errors"
  | "checks"
  | "audits"
  | "resources"
  | "releases"
  | "sysctls"
  | "refused"
  | "adapters"
  | "event"
  | "headers";

const PARTS: Readonly<Record<Part, (program: Command) => string>> = {
  commands: (program) => commandsOf(program, "").join("\n\n"),
  settings: () => schemaTable(jsonSchema("config")),
  errors: () =>
    table(
      ["code", "exit code", "meaning"],
      Object.entries(ERRORS).map(([code, { exitCode, meaning }]) => [
        `\`${code}\``,
        String(exitCode),
        meaning,
      ]),
    ),
  checks: () =>
    table(
      ["check", "looks at", "figure", "only with", "silent behind"],
      CHECKS.map(({ id, title, unit, playbook, after }) => [
        `\`${id}\``,
        title,
        unit ?? "",
        playbook ?? "",
        (after ?? []).join(", "),
      ]),
    ),
  audits: () =>
    table(
      ["finding", "looks at", "only with"],
      AUDITS.map(({ id, title, playbook }) => [`\`${id}\``, title, playbook ?? ""]),
    ),
  resources: () =>
    [...RESOURCE_TYPES.values()]
      .map(
        ({ type, schema }) =>
          `### \`${type}\`\n\n${schemaTable(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as SchemaNode)}`,
      )
      .join("\n\n"),
  sysctls: () => table(["key", "value", "why", "source"], sysctlRows()),
  refused: () =>
    table(
      ["key", "value", "why"],
      FOLKLORE.map(({ key, values, why }) => [`\`${key}\``, values, why]),
    ),
  adapters: () =>
    table(
      ["id", "adapter", "source"],
      BAD_UNDER_UAS.map(({ id, name, source }) => [`\`${id}\``, name, source]),
    ),
  event: () => fieldsOf(BusEvent),
  headers: () => fieldsOf(BusHeaders),
  releases: () =>
    table(
      [
        "release",
        "free updates until",
        "bought until",
        "boot files",
        "network",
        "cgroup",
        "RabbitMQ",
        "Java",
      ],
      Object.values(RELEASES).map((release) => [
        release.name,
        release.freeUntil,
        release.paidUntil,
        `\`${release.bootFolder}\``,
        release.network,
        `v${release.cgroup}`,
        release.rabbitmq,
        String(release.java),
      ]),
    ),
};

/** @throws RangeError for a part that nobody makes */
export function renderPage(page: string, program: Command): string {
  return page.replaceAll(
    /(<!-- made by `imcloud docs`: (\w+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_whole, open: string, name: string, end: string) => {
      const make = PARTS[name as Part] as (typeof PARTS)[Part] | undefined;
      if (make === undefined)
        throw new RangeError(`no part ${name}; there are ${Object.keys(PARTS).join(", ")}`);
      return `${open}\n${make(program)}\n\n${end}`;
    },
  );
}

function commandsOf(command: Command, path: string): string[] {
  const name = `${path} ${command.name()}`.trim();
  const inner = command.commands.filter((one) => one.name() !== "help");
  const args = command.registeredArguments.map((argument) => {
    const dots = argument.variadic ? "..." : "";
    return argument.required ? `<${argument.name()}${dots}>` : `[${argument.name()}${dots}]`;
  });
  const options = command.options.filter(({ hidden }) => !hidden);
  const rows = options.map(({ flags, description, envVar }) => [
    `\`${flags}\``,
    envVar === undefined ? "" : `\`${envVar}\``,
    description,
  ]);
  const own = [
    `${"#".repeat(Math.min(4, name.split(" ").length + 1))} \`${[name, ...args].join(" ")}\``,
    command.description(),
    ...(rows.length > 0 ? [table(["option", "variable", "meaning"], rows)] : []),
  ];
  return [...own, ...inner.flatMap((one) => commandsOf(one, name))];
}

/** What programs read: its fields, and whether they can rely on them. */
function fieldsOf(schema: z.ZodType): string {
  const { properties = {}, required = [] } = z.toJSONSchema(schema) as SchemaNode;
  return table(
    ["field", "JSON", "always there", "meaning"],
    Object.entries(properties).map(([name, { type = "", description = "" }]) => [
      `\`${name}\``,
      type,
      required.includes(name) ? "yes" : "no",
      description,
    ]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
