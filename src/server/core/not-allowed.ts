/** The room's rules say no; the message is for people. */
export class NotAllowedError extends Error {
  override readonly name = "NotAllowedError";
}
