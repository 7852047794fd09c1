import { Option, type Command } from "commander";
import type { Context } from "./program.js";
import {
  addServerVerb,
  columns,
  day,
  listOf,
  moment,
  segment,
  wholeNumber,
  type ServerVerb,
  textOf,
} from "./server-verb.js";

const VERBS: readonly ServerVerb[] = [
  {
    words: "list",
    summary: "list the registration tokens",
    description: "List registration tokens by their ids: how often they have served and may, and until when.",
    examples: ["imcloud token list"],
    ask: () => ({ method: "GET", path: "/registration-tokens" }),
    render: (answer) =>
      columns(
        listOf(answer, "tokens").map((token) => [
          token["id"],
          `${textOf(token["used"])} of ${textOf(token["uses"] ?? "any")}`,
          day(token["expires_at"]),
        ]),
      ),
  },
  {
    words: "add",
    summary: "make a registration token",
    description:
      "Make a token by which people register. It is shown this once: the server keeps no more than its hash.",
    options: [
      new Option("--uses <count>", "how many accounts it makes (default: any)").argParser(wholeNumber),
      new Option("--expires <date>", "when it ends: 2026-12-24, or 2026-12-24T18:00Z").argParser(moment),
    ],
    examples: ["imcloud token add --uses 30 --expires 2026-12-24"],
    ask: (_words, { uses, expires }) => ({
      method: "POST",
      path: "/registration-tokens",
      body: { uses, expires_at: expires },
    }),
    render: (answer) => textOf(answer["token"]),
    done: (_words, { id }) => `made token ${textOf(id)}`,
  },
  {
    words: "revoke <id>",
    summary: "take a registration token back",
    description: "Take a token back, by its id as `list` shows it. Accounts that it made stay.",
    examples: ["imcloud token revoke 1a2b3c4d"],
    ask: ([id]) => ({ method: "DELETE", path: `/registration-tokens/${segment(id)}` }),
    done: ([id]) => `took back token ${id ?? ""}`,
  },
];

export function addTokenCommand(program: Command, context: Context): void {
  const token = program
    .command("token")
    .summary("tokens by which people register")
    .description("Look after the tokens by which people register.");
  for (const verb of VERBS) addServerVerb(token, context, verb);
}
