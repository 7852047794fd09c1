/** What OpenPGP.js' types want of a package that declares streams by the browser's whole library; Node.js has its own. */
declare module "@openpgp/web-stream-tools" {
  export type { ReadableStream as NodeWebStream, ReadableStream as WebStream } from "node:stream/web";
}
