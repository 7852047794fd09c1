/**
 * What can go wrong on the way to a board, in the operator's words.
 */
import { ImcloudError } from "../shared/errors.js";
import type { SshHost, SshTarget } from "./ssh-target.js";

const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "switch the SSH server on (an empty file `ssh` on the boot partition does it), or set `port`",
  ENOTFOUND:
    "check `address`; a name that ends in .local needs mDNS on this machine, the board's IP address always works",
  EAI_AGAIN: "check this machine's network and DNS, or give the board's IP address",
  EHOSTUNREACH: "see whether the board has power and is in this network",
  ENETUNREACH: "check this machine's network",
  ETIMEDOUT: "see whether the board has power and is in this network",
};

/** Nobody answered, or not as an SSH server does. */
export function unreachable(target: SshTarget, host: SshHost, found: string, cause?: unknown): ImcloudError {
  const code = codeOf(cause);
  return new ImcloudError(
    "board.unreachable",
    `\`${target.board}\` does not answer at ${host.address} port ${host.port}`,
    {
      ...placeOf(target),
      found,
      hint:
        HINTS[code] ?? "see whether the board has power and is in this network, then run the command again",
      cause,
    },
  );
}

export interface RefusedLogin {
  readonly tried: readonly string[];
  readonly accepted: readonly string[];
  readonly passedOver: readonly string[];
  /** The server's own word, if it hung up with one. */
  readonly said?: string;
}

/** The answer names what was offered and what would be taken: nobody should have to guess which key it was. */
export function loginRefused(target: SshTarget, host: SshHost, refused: RefusedLogin): ImcloudError {
  const { tried, passedOver, said } = refused;
  const isJumpHost = host !== target;
  // A host on the way is given no password: whoever may log in there has a key.
  const accepted = refused.accepted.filter((method) => !isJumpHost || method === "publickey");
  const offered = tried.length > 0 ? tried.join(", ") : "nothing it accepts";
  const who = isJumpHost
    ? `the jump host ${host.address} on the way to \`${target.board}\``
    : `\`${target.board}\``;
  return new ImcloudError("board.login-refused", `${who} refuses the login of user \`${host.user}\``, {
    ...placeOf(target),
    found: [
      `offered ${offered}`,
      ...(said === undefined ? [] : [`the board said "${said}"`]),
      ...passedOver.map((key) => `not offered ${key}`),
    ].join("; "),
    ...(accepted.length > 0 && { expected: `one of ${accepted.join(", ")}` }),
    hint: loginHint(target, host, { ...refused, accepted }),
  });
}

function loginHint(target: SshTarget, host: SshHost, { accepted, passedOver, said }: RefusedLogin): string {
  const { board } = target;
  const { user, address } = host;
  if (said !== undefined && /too many/i.test(said)) {
    return `name the right key with \`identityFile\` and set \`IdentitiesOnly yes\` for ${board} in ~/.ssh/config`;
  }
  if (passedOver.some((key) => key.includes("passphrase")))
    return "give the passphrase in IMCLOUD_SSH_PASSPHRASE, or load the key with `ssh-add`";
  if (host !== target)
    return `see that \`ssh ${address}\` gets in by a key: imcloud reads the same ~/.ssh/config and asks the same agent`;
  if (accepted.includes("password") || accepted.includes("keyboard-interactive")) {
    return `check the user name, or give the password of \`${user}\` in IMCLOUD_SSH_PASSWORD`;
  }
  return `install your key on the board with \`ssh-copy-id\`, or name it with \`identityFile\` of ${board}`;
}

/** An established connection ended. */
export function lost(target: Pick<SshTarget, "board">, found: string, cause?: unknown): ImcloudError {
  return new ImcloudError("board.lost", `the connection to \`${target.board}\` ended`, {
    found,
    hint: "see whether the board has power and network, then run the command again: it goes on where the board is",
    cause,
  });
}

/** In words what a socket says in capitals. */
export function wordsOf(error: unknown): string {
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: "connection refused: nothing listens there",
    ENOTFOUND: "no such host name",
    EAI_AGAIN: "the host name could not be looked up",
    EHOSTUNREACH: "no route to the host",
    ENETUNREACH: "no route to the network",
    ETIMEDOUT: "no answer",
    ECONNRESET: "the other side reset the connection",
  };
  return known[codeOf(error)] ?? (error instanceof Error ? error.message : String(error));
}

/** Several addresses may have been tried; then the errors come in one. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

function placeOf({ origin }: SshTarget) {
  return origin === undefined ? {} : { origin };
}
