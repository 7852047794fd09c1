import { expect, test } from "vitest";
import { terminal } from "../../e2e/terminal.js";

const env = { PATH: process.env["PATH"] ?? "", TERM: "xterm" };

test("a terminal shows, waits, types and ends", async () => {
  const script =
    "test -t 0 && test -t 1 && printf '\\033[1mName?\\033[0m ' && read name && echo \"hello $name\"; exit 7";
  const person = terminal(["sh", "-c", script], "/", env);
  await person.see("Name?");
  person.type("Ada\r");
  await person.see(/hello \w+/);
  expect(await person.exit).toBe(7);
  expect(person.screen).toContain("hello Ada");
  await expect(person.see("goodbye")).rejects.toThrow(/never saw goodbye on:/);
});
