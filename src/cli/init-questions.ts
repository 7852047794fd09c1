/** What `imcloud init` may be told, and how it asks for the rest. */
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
  readonly hostKey?: string;
  readonly acceptNewHostKey?: boolean;
  readonly admin?: string;
  readonly apply: boolean;
  readonly yes?: boolean;
}

/** Somebody is there, and has not said that the defaults will do. */
export function isAsking({ yes }: Pick<InitOptions, "yes">, terminal: Terminal): boolean {
  return terminal.canAsk && yes !== true;
}

/** A question whose default is good enough when nobody is there to be asked. */
export async function orDefault(
  options: Pick<InitOptions, "yes">,
  terminal: Terminal,
  question: string,
  flag: string,
  preset: string,
): Promise<string> {
  return isAsking(options, terminal)
    ? terminal.input(question, flag, { preset, validate: notEmpty })
    : preset;
}

const notEmpty = (answer: string): string | true => answer.trim() !== "" || "something must be here";

/** A question that has no default. */
export function missing(question: string, flag: string): ImcloudError {
  return new ImcloudError("cli.missing-answer", `nobody is there to be asked: ${question}`, {
    expected: flag,
    hint: `give ${flag}`,
  });
}
