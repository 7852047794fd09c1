import type { Logger } from "matrix-js-sdk/lib/logger.js";

const nothing = (): void => undefined;

/**
 * Of the library's log, what somebody should look at. It says a line and more for each request and each message
 * otherwise, which costs an old phone more than the message itself.
 */
export const quietLogger: Logger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: (...parts: unknown[]) => console.warn(...parts),
  error: (...parts: unknown[]) => console.error(...parts),
  getChild: () => quietLogger,
};
