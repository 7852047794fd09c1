/** The room's rules say no; the message is for people. */
export class NotAllowedError extends Error {
  override readonly name: string = "NotAllowedError";
}

/** A refusal for how an event looks, whoever sends it: no power would let it in. */
export class MalformedError extends NotAllowedError {
  override readonly name = "MalformedError";
}
