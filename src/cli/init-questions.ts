/** What `imcloud init` may be told, and how it asks for the rest. */
import type { z } from "zod";
import type { NewCloud } from "../fleet/new-cloud.js";
import { ImcloudError } from "../shared/errors.js";
import type { Terminal } from "./terminal.js";

export interface InitOptions {
  readonly name?: string;
  readonly serverName?: string;
  readonly broker?: NewCloud["broker"];
  readonly board?: string;
  readonly address?: string;
  readonly port?: number;
  readonly user?: string;
  readonly identityFile?: string;
  readonly local?: boolean;
  readonly lab?: boolean;
  /** The image of a card that is to be written first. */
  readonly flash?: string;
  readonly to?: string;
  readonly wifi?: string;
  readonly wifiCountry?: string;
  readonly hostKey?: string;
  readonly acceptNewHostKey?: boolean;
  readonly offline?: boolean;
  readonly admin?: string;
  readonly apply: boolean;
  readonly yes?: boolean;
}

/** Somebody is there, and has not said that the defaults will do. */
export function isAsking({ yes }: Pick<InitOptions, "yes">, terminal: Terminal): boolean {
  return terminal.canAsk && yes !== true;
}

/** A question whose default is good enough when nobody is there to be asked. */
export interface Question {
  readonly question: string;
  readonly flag: string;
  /** What the flag said. */
  readonly given: string | undefined;
  readonly preset: string;
  /** Its message says what is allowed. */
  readonly schema?: z.ZodType;
}

/** @throws ImcloudError `cli.usage` for a flag that says what is not allowed; a person is asked again */
export async function answer(
  { question, flag, given, preset, schema }: Question,
  options: Pick<InitOptions, "yes">,
  terminal: Terminal,
): Promise<string> {
  const problem = (word: string): string | undefined =>
    word.trim() === "" ? "something that is not empty" : schema?.safeParse(word).error?.issues[0]?.message;
  if (given === undefined && isAsking(options, terminal)) {
    return terminal.input(question, flag, { preset, validate: (word) => problem(word) ?? true });
  }
  const word = given ?? preset;
  const expected = problem(word);
  if (expected === undefined) return word;
  throw new ImcloudError("cli.usage", `\`${flag} ${word}\` is not what is allowed there`, {
    found: word,
    expected,
    hint: "choose another",
  });
}

/** A question that has no default. */
export function missing(question: string, flag: string): ImcloudError {
  return new ImcloudError("cli.missing-answer", `nobody is there to be asked: ${question}`, {
    expected: flag,
    hint: `give ${flag}`,
  });
}
