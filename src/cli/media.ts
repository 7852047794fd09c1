import type { Command } from "commander";
import type { Context } from "./program.js";
import {
  addServerVerb,
  columns,
  day,
  LIST_OPTIONS,
  listOf,
  more,
  queryOf,
  segment,
  type ServerVerb,
  textOf,
} from "./server-verb.js";
import { bytesInWords } from "./words.js";

const PAGES = LIST_OPTIONS.filter(({ long }) => long !== "--search");
/** The last part of `mxc://server/id`, or the id itself. */
const idOf = (word = ""): string => segment(word.split("/").at(-1));

const VERBS: readonly ServerVerb[] = [
  {
    words: "usage",
    summary: "show how much each account has uploaded",
    description: "Show how many uploads each account has, and what they take.",
    options: PAGES,
    examples: ["imcloud media usage"],
    ask: (_words, { from, limit }) => ({ method: "GET", path: `/media${queryOf({ from, limit })}` }),
    render: (answer) =>
      columns(
        listOf(answer, "users").map((user) => [
          user["user_id"],
          user["media_count"],
          bytesInWords(Number(user["media_bytes"])),
        ]),
      ) + more(answer),
  },
  {
    words: "list <name>",
    summary: "list what an account has uploaded",
    description: "List what an account has uploaded.",
    options: PAGES,
    examples: ["imcloud media list ada"],
    ask: ([name], { from, limit }) => ({
      method: "GET",
      path: `/users/${segment(name)}/media${queryOf({ from, limit })}`,
    }),
    render: (answer) =>
      columns(
        listOf(answer, "media").map((media) => [
          media["media_id"],
          day(media["created_at"]),
          bytesInWords(Number(media["bytes"] ?? 0)),
          media["type"],
          media["quarantined"] === true ? "quarantined" : "",
          media["name"],
        ]),
      ) + more(answer),
  },
  {
    words: "delete <media>",
    summary: "delete an upload",
    description: "Delete an upload, by its mxc:// address or the last part of it.",
    question: ([media]) => `Delete ${media ?? ""} for ever?`,
    examples: ["imcloud media delete mxc://home.local/m_abc"],
    ask: ([media]) => ({ method: "DELETE", path: `/media/${idOf(media)}` }),
    done: ([media]) => `deleted ${media ?? ""}`,
  },
  ...([true, false] as const).map((quarantined): ServerVerb => ({
    words: `${quarantined ? "quarantine" : "release"} <media>`,
    summary: quarantined ? "take an upload out of sight" : "show a quarantined upload again",
    description: quarantined
      ? "Take an upload out of sight, and whatever has the same content, whoever uploads it."
      : "Show an upload again, and whatever has the same content.",
    examples: [`imcloud media ${quarantined ? "quarantine" : "release"} mxc://home.local/m_abc`],
    ask: ([media]) => ({ method: "PUT", path: `/media/${idOf(media)}/quarantine`, body: { quarantined } }),
    done: (_words, { affected }) => `${quarantined ? "quarantined" : "released"} ${textOf(affected)}`,
  })),
];

export function addMediaCommand(program: Command, context: Context): void {
  const media = program
    .command("media")
    .summary("uploads to the cloud")
    .description("Look after what people have uploaded.");
  for (const verb of VERBS) addServerVerb(media, context, verb);
}
