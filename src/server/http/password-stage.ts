/**
 * The stage of user-interactive authentication that asks for the password again.
 */
import { isObject, type JsonObject } from "../core/json.js";
import { toUserId } from "../core/ids.js";
import { forbidden } from "../service/failure.js";
import { Refusal, type Stages } from "../service/interactive-auth.js";
import type { Services } from "../service/services.js";
import type { Caller } from "../service/sessions.js";

/**
 * Once the caller has proved themself by their password; an application service, whose users have none, is believed.
 *
 * @param purpose what the proof is for
 * @returns what was asked
 */
export async function proveByPassword(
  purpose: string,
  caller: Caller,
  body: JsonObject,
  services: Services,
): Promise<JsonObject> {
  if (caller.service !== undefined) return body;
  return services.interactiveAuth.prove(purpose, body, passwordStage(caller, services));
}

/** The password must be the caller's own, whatever user the proof names. */
export function passwordStage(caller: Caller, { sessions, limits, config }: Services): Stages {
  return {
    "m.login.password": async (auth) => {
      const { password, identifier, user } = auth;
      const named = isObject(identifier) ? identifier["user"] : user;
      if (typeof password !== "string" || (named !== undefined && typeof named !== "string"))
        throw forbidden("a password is needed");
      if (named !== undefined && toUserId(named, config.serverName) !== caller.userId)
        throw new Refusal("that is not your account");
      limits.take("login", caller.userId);
      await sessions.checkPassword(caller.userId, password);
    },
  };
}
