import { Option, type Command } from "commander";
import type { Context } from "./program.js";
import {
  addServerVerb,
  columns,
  day,
  LIST_OPTIONS,
  listOf,
  moment,
  more,
  queryOf,
  segment,
  type ServerVerb,
  textOf,
} from "./server-verb.js";

const VERBS: readonly ServerVerb[] = [
  {
    words: "list",
    summary: "list the rooms",
    description: "List rooms: id, how many are in, name and alias.",
    options: LIST_OPTIONS,
    examples: ["imcloud room list", "imcloud room list --search attic --json"],
    ask: (_words, { search, from, limit }) => ({
      method: "GET",
      path: `/rooms${queryOf({ search, from, limit })}`,
    }),
    render: (answer) =>
      columns(
        listOf(answer, "rooms").map((room) => [
          room["room_id"],
          room["joined"],
          room["blocked"] === true ? "blocked" : "",
          room["name"],
          room["canonical_alias"],
        ]),
      ) + more(answer),
  },
  {
    words: "show <room>",
    summary: "show one room, with its people",
    description: "Show a room: who made it, who is in it, who may see what.",
    examples: ["imcloud room show '!abc:home.local'"],
    ask: ([room]) => ({ method: "GET", path: `/rooms/${segment(room)}` }),
    render: (room) =>
      [
        columns([[room["room_id"], room["name"], room["canonical_alias"]]]),
        `made by ${textOf(room["creator"])} on ${day(room["created_at"])}, ${room["encrypted"] === true ? "encrypted" : "not encrypted"}`,
        ...Object.entries(room["members"] as Record<string, readonly string[]>).flatMap(
          ([membership, users]) => (users.length === 0 ? [] : [`${membership}: ${users.join(", ")}`]),
        ),
      ].join("\n"),
  },
  {
    words: "shutdown <room>",
    summary: "put everybody out of a room and close it",
    description:
      "Put everybody out, take the room's aliases and messages away, and let nobody in any more. Messages do not come back.",
    options: [
      new Option("--reason <text>", "what people are told"),
      new Option("--no-block", "people may come in again"),
      new Option("--no-purge", "keep its messages"),
    ],
    question: ([room]) => `Shut down ${room ?? ""}?`,
    examples: ["imcloud room shutdown '!abc:home.local' --reason 'The project is over'"],
    ask: ([room], { reason, block, purge }) => ({
      method: "POST",
      path: `/rooms/${segment(room)}/shutdown`,
      body: { block: block !== false, purge: purge !== false, reason },
    }),
    done: (_words, { removed, purged }) =>
      `put out ${(removed as readonly string[]).length} people, took away ${textOf(purged)} messages`,
  },
  {
    words: "purge <room>",
    summary: "take a room's old messages away",
    description: "Take away the messages before a day or moment. Names, members and rights stay.",
    options: [
      new Option("--before <date>", "what is older goes: 2026-11-24, or 2026-11-24T18:00Z")
        .argParser(moment)
        .makeOptionMandatory(),
    ],
    question: ([room]) => `Take old messages of ${room ?? ""} away for ever?`,
    examples: ["imcloud room purge '!abc:home.local' --before 2026-01-01"],
    ask: ([room], { before }) => ({
      method: "POST",
      path: `/rooms/${segment(room)}/purge`,
      body: { before },
    }),
    done: (_words, { purged }) => `took away ${textOf(purged)} messages`,
  },
  {
    words: "block <room>",
    summary: "let nothing happen in a room but leaving",
    description:
      "Block a room, also one that is not there yet: people may leave it, and nothing else happens.",
    options: [new Option("--reason <text>", "for your own list")],
    examples: ["imcloud room block '!abc:home.local' --reason spam"],
    ask: ([room], { reason }) => ({
      method: "PUT",
      path: `/blocked-rooms/${segment(room)}`,
      body: { reason },
    }),
    done: ([room]) => `blocked ${room ?? ""}`,
  },
  {
    words: "unblock <room>",
    summary: "open a blocked room again",
    description: "Open a blocked room again.",
    examples: ["imcloud room unblock '!abc:home.local'"],
    ask: ([room]) => ({ method: "DELETE", path: `/blocked-rooms/${segment(room)}` }),
    done: ([room]) => `unblocked ${room ?? ""}`,
  },
];

export function addRoomCommand(program: Command, context: Context): void {
  const room = program
    .command("room")
    .summary("rooms of the cloud")
    .description("Look after the rooms of the IM server.");
  for (const verb of VERBS) addServerVerb(room, context, verb);
}
