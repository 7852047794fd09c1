/**
 * One request on its way to its handler.
 *
 * A class with accessors: what most handlers do not ask for, the client's address and the end of its patience, is made
 * when it is asked for.
 */
import type { Caller } from "../service/sessions.js";
import type { Asked } from "./endpoint.js";

/** Who came without a token. */
export const NOBODY: Caller = {
  ...{ userId: "", deviceId: "" },
  ...{ isAdmin: false, isSuspended: false, isLocked: false },
};

/** The parts that are still to be validated are empty. */
export class Incoming implements Asked<unknown, unknown, unknown> {
  readonly request: Request;
  readonly path: string;
  caller = NOBODY;
  params: unknown = {};
  query: unknown = {};
  body: unknown = {};
  readonly #peer: () => string;
  readonly #stopping: AbortSignal;
  #from: string | undefined;

  /**
   * @param peer asks for the client's address
   * @param stopping ends when the server stops
   */
  constructor(request: Request, path: string, peer: () => string, stopping: AbortSignal) {
    this.request = request;
    this.path = path;
    this.#peer = peer;
    this.#stopping = stopping;
  }

  get from(): string {
    return (this.#from ??= this.#peer());
  }

  get signal(): AbortSignal {
    return AbortSignal.any([this.request.signal, this.#stopping]);
  }
}
