import { Argument, type Command } from "commander";
import type { Context } from "./program.js";

const FILES = ["config", "secrets", "playbook", "event"] as const;

export function addSchemaCommand(program: Command, context: Context): void {
  program
    .command("schema")
    .summary("print the JSON Schema of a file, for editors, or of events on the bus")
    .description(
      "Print a JSON Schema to stdout. Editors with a YAML language server complete and check by it.\n" +
        "`event` is what programs read from RabbitMQ or Kafka.",
    )
    .addArgument(new Argument("[file]", "which file, or `event`").choices(FILES).default("config"))
    .addHelpText(
      "after",
      "\nExamples:\n  imcloud schema > .imcloud/schema.json\n  # first line of imcloud.yaml: # yaml-language-server: $schema=.imcloud/schema.json\n" +
        "  imcloud schema playbook > .imcloud/playbook.json   # for files below playbooks/\n" +
        "  imcloud schema event > event.schema.json",
    )
    .action(async (file: (typeof FILES)[number]) => {
      const terminal = await context.terminal();
      terminal.data(JSON.stringify(await schemaOf(file), null, 2));
    });
}

async function schemaOf(file: (typeof FILES)[number]): Promise<object> {
  if (file === "event") {
    const { busEventSchema } = await import("../shared/bus-event.js");
    return busEventSchema();
  }
  if (file === "playbook") {
    const { playbookSchema } = await import("../playbook/json-schema.js");
    return playbookSchema();
  }
  const { jsonSchema } = await import("../config/document.js");
  return jsonSchema(file);
}
