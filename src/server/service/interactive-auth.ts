/**
 * User-interactive authentication: a request that needs more proof than a token is answered with the ways to
 * give it, and repeated with one of them.
 *
 * Source: Matrix client-server API, "User-Interactive Authentication API". All flows here have one stage.
 */
import { newToken } from "../core/ids.js";
import { isObject, type JsonObject } from "../core/json.js";
import { Failure } from "./failure.js";

/** A session that nobody goes on with for so long is forgotten, in milliseconds. */
const SESSION_MS = 15 * 60_000;
const MOST_SESSIONS = 5_000;

interface AuthSession {
  readonly purpose: string;
  /** The first request; later ones may leave out what it said. */
  readonly request: JsonObject;
  readonly expiresAt: number;
}

/** Ends the request: another attempt at the stage would be none. */
export class Refusal extends Failure {
  constructor(message: string) {
    super("M_FORBIDDEN", message);
  }
}

/** Checks what a client gives for a stage. @throws Failure when it does not do; Refusal when nothing else will */
export type Stages = Readonly<Record<string, (auth: JsonObject) => Promise<void> | void>>;

export class InteractiveAuth {
  readonly #sessions = new Map<string, AuthSession>();

  /**
   * Returns once the client has proved itself by one of the stages.
   *
   * @param purpose what the proof is for: it serves nothing else
   * @returns what the first request of the session said, with what this one says
   * @throws Failure 401 with the flows, when proof is missing or wrong; Refusal
   */
  async prove(purpose: string, body: JsonObject, stages: Stages): Promise<JsonObject> {
    const { auth, ...request } = body;
    const given = isObject(auth) ? auth : undefined;
    const session = this.#session(purpose, given, request);
    const type = given?.["type"];
    const stage = typeof type === "string" && Object.hasOwn(stages, type) ? stages[type] : undefined;
    if (given === undefined || stage === undefined) throw this.#challenge(session.id, stages);
    try {
      await stage(given);
    } catch (error) {
      if (!(error instanceof Failure) || error instanceof Refusal || error.code === "M_LIMIT_EXCEEDED")
        throw error;
      throw this.#challenge(session.id, stages, error);
    }
    this.#sessions.delete(session.id);
    return { ...session.request, ...request };
  }

  #session(purpose: string, auth: JsonObject | undefined, request: JsonObject): AuthSession & { id: string } {
    const now = Date.now();
    const given = typeof auth?.["session"] === "string" ? auth["session"] : undefined;
    const known = given === undefined ? undefined : this.#sessions.get(given);
    if (given !== undefined && known !== undefined && known.purpose === purpose && known.expiresAt > now)
      return { id: given, ...known };
    for (const [old, { expiresAt }] of this.#sessions) {
      if (expiresAt > now && this.#sessions.size < MOST_SESSIONS) break;
      this.#sessions.delete(old);
    }
    const id = newToken("uia");
    const session = { purpose, request, expiresAt: now + SESSION_MS };
    this.#sessions.set(id, session);
    return { id, ...session };
  }

  #challenge(session: string, stages: Stages, failure?: Failure): Failure {
    const flows = Object.keys(stages).map((stage) => ({ stages: [stage] }));
    const code = failure?.code ?? "M_FORBIDDEN";
    return new Challenge(
      code,
      failure?.message ?? "more proof is needed",
      { status: 401, session, flows, params: {}, completed: [] },
      failure !== undefined,
    );
  }
}

/** The first answer of a flow is no error and carries no error code; one to a wrong proof does. */
class Challenge extends Failure {
  readonly #isWrong: boolean;

  constructor(
    code: Failure["code"],
    message: string,
    extra: JsonObject & { readonly status: number },
    isWrong: boolean,
  ) {
    super(code, message, extra);
    this.#isWrong = isWrong;
  }

  override toJSON(): JsonObject {
    return this.#isWrong ? super.toJSON() : this.extra;
  }
}
