import { Argument, type Command } from "commander";
import type { Context } from "./program.js";

const FILES = ["config", "secrets"] as const;

export function addSchemaCommand(program: Command, context: Context): void {
  program
    .command("schema")
    .summary("print the JSON Schema of a file, for editors")
    .description(
      "Print a JSON Schema to stdout. Editors with a YAML language server complete and check by it.",
    )
    .addArgument(new Argument("[file]", "which file").choices(FILES).default("config"))
    .addHelpText(
      "after",
      "\nExample:\n  imcloud schema > .imcloud/schema.json\n  # first line of imcloud.yaml: # yaml-language-server: $schema=.imcloud/schema.json",
    )
    .action(async (file: (typeof FILES)[number]) => {
      const terminal = await context.terminal();
      const { jsonSchema } = await import("../config/document.js");
      terminal.data(JSON.stringify(jsonSchema(file), null, 2));
    });
}
