/**
 * The options that every command over boards has, and the fleet they open.
 */
import { InvalidArgumentError, Option, type Command } from "commander";
import type { Fleet } from "../fleet/fleet.js";
import type { Context } from "./program.js";
import type { Terminal } from "./terminal.js";

export interface FleetFlags {
  /** Board names, groups or @tags; empty means the whole fleet. */
  readonly on?: readonly string[];
  readonly parallel?: number;
  readonly acceptNewHostKey?: boolean;
}

/** `--on`, `--parallel`, `--accept-new-host-key`, each also in the environment. */
export function addFleetOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--on <selector...>", "boards, groups or @tags (default: the whole fleet)")
        .env("IMCLOUD_ON")
        .argParser(selectors),
    )
    .addOption(
      new Option("--parallel <count>", "boards at a time (default: 10)")
        .env("IMCLOUD_PARALLEL")
        .argParser(count),
    )
    .addOption(
      new Option(
        "--accept-new-host-key",
        "record the host key of a board that is seen for the first time",
      ).env("IMCLOUD_ACCEPT_NEW_HOST_KEY"),
    );
}

export async function openFleetFor(
  flags: FleetFlags,
  context: Context,
  terminal: Terminal,
  /** `given`: only those that are there; `needed`: make what playbooks lack; `new`: the cloud comes into being now. */
  secrets: "given" | "needed" | "new" = "given",
): Promise<Fleet> {
  const { openFleet } = await import("../fleet/fleet.js");
  const config = context.config();
  return openFleet({
    ...(config !== undefined && { config }),
    on: flags.on ?? [],
    ...(flags.parallel !== undefined && { parallel: flags.parallel }),
    acceptNewHostKey: flags.acceptNewHostKey === true,
    asker: terminal,
    signal: terminal.signal,
    ...(secrets !== "given" && {
      making: {
        isNew: secrets === "new",
        made: (names: readonly string[], file: string) =>
          terminal.note(
            `made ${names.map((name) => `\`${name}\``).join(", ")} and put ${names.length === 1 ? "it" : "them"} into ${file}`,
          ),
      },
    }),
  });
}

/** From the environment several come in one word. None in a word is a mistake, and not the whole fleet. */
export function selectors(word: string, before: readonly string[] = []): readonly string[] {
  const named = word.split(/[\s,]+/).filter((part) => part !== "");
  if (named.length === 0) throw new InvalidArgumentError("It must name a board, a group or an @tag.");
  return [...before, ...named];
}

export function count(word: string): number {
  if (!/^[1-9]\d{0,3}$/.test(word))
    throw new InvalidArgumentError("It must be a whole number from 1 to 9999.");
  return Number(word);
}
