import type { Command } from "commander";
import type { Context } from "./program.js";

/** For those who work on imcloud: brings the generated parts of docs/ up to date. */
export function addDocsCommand(program: Command, context: Context): void {
  program
    .command("docs <page...>", { hidden: true })
    .summary("renew the generated parts of Markdown pages")
    .action(async (pages: readonly string[]) => {
      const terminal = await context.terminal();
      const { readFile, writeFile } = await import("node:fs/promises");
      const { renderPage } = await import("./documentation.js");
      for (const page of pages) {
        const before = await readFile(page, "utf8");
        const after = renderPage(before, program);
        if (after === before) continue;
        await writeFile(page, after);
        terminal.note(`renewed ${page}`);
      }
    });
}
