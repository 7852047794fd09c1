/**
 * Which logins to offer, one at a time and in the order of their price: every refused offer costs a round
 * trip, and a server that has seen six wrong ones hangs up.
 *
 * `none` is not asked first, as other clients do to learn the methods: the first real offer teaches the same.
 */
import type { AnyAuthMethod, AuthenticationType, BaseAgent, ParsedKey } from "ssh2";
import type { Secret } from "../shared/secret.js";

/** What there is to log in with. */
export interface Credentials {
  readonly user: string;
  readonly agent?: { readonly agent: BaseAgent; readonly held: readonly ParsedKey[] };
  readonly keys: readonly { readonly path: string; readonly key: ParsedKey }[];
  readonly password?: Secret;
}

export interface LoginAttempts {
  /** The next offer, or false when there is none left. */
  next(allowed: readonly AuthenticationType[] | null, isPartial: boolean | null): AnyAuthMethod | false;
  /** What was offered so far, in words, for the error. */
  readonly tried: readonly string[];
  /** What the server would take, as it said last; empty before its first refusal. */
  readonly accepted: readonly string[];
  /** The last offer, which is the one that was taken if any was, is a password. */
  readonly isByPassword: boolean;
}

interface Offer {
  readonly method: AuthenticationType;
  readonly words: string;
  readonly make: () => AnyAuthMethod;
}

export function loginAttempts(credentials: Credentials): LoginAttempts {
  const waiting = offersOf(credentials);
  const tried: string[] = [];
  let accepted: readonly string[] = [];
  let isPasswordRefused = false;

  return {
    tried,
    get accepted() {
      return accepted;
    },
    get isByPassword() {
      return tried.at(-1)?.startsWith("password") ?? false;
    },
    next(allowed, isPartial) {
      if (allowed !== null) accepted = allowed;
      // Refused over `password`, the same word over `keyboard-interactive` would only count as a second failure.
      if (isPartial !== true && tried.at(-1) === "password")
        isPasswordRefused = allowed?.includes("password") ?? true;
      for (let offer = waiting.shift(); offer !== undefined; offer = waiting.shift()) {
        if (allowed !== null && !allowed.includes(offer.method)) continue;
        if (offer.method === "keyboard-interactive" && isPasswordRefused) continue;
        tried.push(offer.words);
        return offer.make();
      }
      return false;
    },
  };
}

function offersOf({ user, agent, keys, password }: Credentials): Offer[] {
  const offers: Offer[] = [];
  if (agent !== undefined) {
    offers.push({
      method: "publickey",
      words: `${agent.held.length} ${agent.held.length === 1 ? "key" : "keys"} of the agent`,
      make: () => ({ type: "agent", username: user, agent: agent.agent }),
    });
  }
  for (const { path, key } of keys) {
    offers.push({
      method: "publickey",
      words: path,
      make: () => ({ type: "publickey", username: user, key }),
    });
  }
  if (password !== undefined) {
    offers.push({
      method: "password",
      words: "password",
      make: () => ({ type: "password", username: user, password: password.reveal() }),
    });
    offers.push({
      method: "keyboard-interactive",
      words: "password, asked for by keyboard-interactive",
      make: () => ({ type: "keyboard-interactive", username: user, prompt: answerWith(password) }),
    });
  }
  // Nothing to offer: `none` at least tells what the server would take.
  return offers.length > 0
    ? offers
    : [{ method: "none", words: "no login", make: () => ({ type: "none", username: user }) }];
}

/** Hidden prompts get the password; one that shows what is typed asks for something else and gets nothing. */
function answerWith(password: Secret): Extract<AnyAuthMethod, { type: "keyboard-interactive" }>["prompt"] {
  return (_name, _instructions, _language, prompts, finish) => {
    finish(prompts.map(({ echo }) => (echo === true ? "" : password.reveal())));
  };
}
