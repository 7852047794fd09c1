import { Option } from "commander";
import { Secret } from "../shared/secret.js";
import type { Terminal } from "./terminal.js";
import {
  columns,
  day,
  LIST_OPTIONS,
  listOf,
  more,
  queryOf,
  segment,
  size,
  type Answer,
  type ServerVerb,
  textOf,
} from "./server-verb.js";
import { bytesInWords } from "./words.js";

const standing = (user: Answer): string =>
  ["admin", "deactivated", "suspended", "locked"].filter((word) => user[word] === true).join(", ");

const restraints = (
  [
    ["lock", "lock", true, "end what somebody may do until it is unlocked", "locked"],
    ["unlock", "lock", false, "let a locked account go on where it was", "unlocked"],
    ["suspend", "suspend", true, "let somebody read, and write no more", "suspended"],
    ["unsuspend", "suspend", false, "let a suspended account write again", "not suspended any more:"],
  ] as const
).map(([name, verb, on, summary, done]): ServerVerb => ({
  words: `${name} <name>`,
  summary,
  description: `${summary[0]?.toUpperCase() ?? ""}${summary.slice(1)}. Administrators are not restrained: \`demote\` them first.`,
  examples: [`imcloud user ${name} ada`],
  ask: ([user]) => ({ method: "PUT", path: `/users/${segment(user)}/${verb}`, body: { on } }),
  done: ([user]) => `${done} ${user ?? ""}`,
}));

const ranks = (
  [
    ["promote", true, "make somebody an administrator"],
    ["demote", false, "take an administrator's rights"],
  ] as const
).map(([name, admin, summary]): ServerVerb => ({
  words: `${name} <name>`,
  summary,
  description: `${summary[0]?.toUpperCase() ?? ""}${summary.slice(1)}.`,
  examples: [`imcloud user ${name} ada`],
  ask: ([user]) => ({ method: "PUT", path: `/users/${segment(user)}/admin`, body: { admin } }),
  done: ([user]) => `${name}d ${user ?? ""}`,
}));

/** @param passwordFor asks for a password, or makes one */
export function userVerbs(
  passwordFor: (name: string, flags: { readonly generate?: boolean }, terminal: Terminal) => Promise<Secret>,
): readonly ServerVerb[] {
  return [
    {
      words: "list",
      summary: "list the accounts",
      description: "List accounts: whose they are, since when, and what they may.",
      options: LIST_OPTIONS,
      examples: ["imcloud user list", "imcloud user list --search ada --json"],
      ask: (_words, { search, from, limit }) => ({
        method: "GET",
        path: `/users${queryOf({ search, from, limit })}`,
      }),
      render: (answer) =>
        columns(
          listOf(answer, "users").map((user) => [
            user["user_id"],
            day(user["created_at"]),
            user["display_name"],
            standing(user),
          ]),
        ) + more(answer),
    },
    {
      words: "show <name>",
      summary: "show one account, with its devices",
      description:
        "Show an account: its devices and when they were last seen, its rooms, what its uploads take.",
      examples: ["imcloud user show ada"],
      ask: ([name]) => ({ method: "GET", path: `/users/${segment(name)}` }),
      render: (user) =>
        [
          `${textOf(user["user_id"])}  ${standing(user)}`.trimEnd(),
          `rooms ${textOf(user["joined_rooms"])}, uploads ${bytesInWords(Number(user["media_bytes"]))}`,
          columns(
            listOf(user, "devices").map((device) => [
              device["device_id"],
              day(device["last_seen_at"]),
              device["last_seen_ip"],
              device["display_name"],
            ]),
          ),
        ]
          .join("\n")
          .trimEnd(),
    },
    {
      words: "passwd <name>",
      summary: "give an account a new password",
      description:
        "Give an account a new password, which ends its sessions. It is asked for, taken from IMCLOUD_USER_PASSWORD, or generated.",
      options: [
        new Option("--generate", "make a password and print it"),
        new Option("--keep-sessions", "leave its devices logged in"),
      ],
      examples: ["imcloud user passwd ada --generate"],
      async ask([name = ""], flags, terminal) {
        const generate = flags["generate"] === true;
        const password = await passwordFor(name, { generate }, terminal);
        // One that was generated is known to nobody else: it is data.
        if (generate) terminal.data(password.reveal());
        const body = { password: password.reveal(), logout_devices: flags["keepSessions"] !== true };
        return {
          method: "POST",
          path: `/users/${segment(name)}/password`,
          body: new Secret(JSON.stringify(body)),
        };
      },
      done: ([name]) => `${name ?? ""} has a new password`,
    },
    ...restraints,
    ...ranks,
    {
      words: "quota <name> <size>",
      summary: "limit what an account may upload",
      description: "Limit what an account's uploads may take together; `default` for what all accounts have.",
      examples: ["imcloud user quota ada 2G", "imcloud user quota ada default"],
      ask: ([name, word = ""]) => ({
        method: "PUT",
        path: `/users/${segment(name)}/quota`,
        body: { bytes: word === "default" ? null : size(word) },
      }),
      done: ([name, word]) => `${name ?? ""} may upload ${word ?? ""}`,
    },
    {
      words: "sign-out <name> [device]",
      summary: "end an account's sessions",
      description: "End all sessions of an account, or that of one device as `show` names it.",
      examples: ["imcloud user sign-out ada", "imcloud user sign-out ada GHTYAJCE"],
      ask: ([name, device]) => ({
        method: "DELETE",
        path: `/users/${segment(name)}/devices${device === undefined ? "" : `/${segment(device)}`}`,
      }),
      done: ([name, device]) => `signed out ${name ?? ""}${device === undefined ? "" : `'s ${device}`}`,
    },
    {
      words: "deactivate <name>",
      summary: "end an account for ever",
      description: "End an account: it leaves its rooms, and its name stays taken. Nobody brings it back.",
      options: [new Option("--erase", "its profile goes too")],
      question: ([name]) => `End the account ${name ?? ""} for ever?`,
      examples: ["imcloud user deactivate ada --erase"],
      ask: ([name], { erase }) => ({
        method: "POST",
        path: `/users/${segment(name)}/deactivate`,
        body: { erase: erase === true },
      }),
      done: ([name]) => `deactivated ${name ?? ""}`,
    },
    {
      words: "notify <name> <text>",
      summary: "tell somebody something, as the server",
      description:
        "Send a notice: the user reads it in a room of their own for what administrators have to say.",
      examples: ['imcloud user notify ada "The server restarts at six."'],
      ask: ([name, text]) => ({ method: "POST", path: "/notices", body: { user_id: name, body: text } }),
      done: ([name]) => `told ${name ?? ""}`,
    },
  ];
}
