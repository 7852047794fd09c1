/**
 * New accounts.
 * Source: Matrix client-server API v1.19, "Account registration", "Token-authenticated registration".
 */
import { timingSafeEqual, createHash } from "node:crypto";
import { z } from "zod";
import { DeviceId, isNewUserId, newToken, toUserId } from "../core/ids.js";
import { readSecretFile } from "../runtime/secret-file.js";
import { Failure, forbidden } from "../service/failure.js";
import type { Stages } from "../service/interactive-auth.js";
import type { Services } from "../service/services.js";
import { endpoint, group } from "./endpoint.js";
import { renderSession } from "./login.js";

const Request = z.object({
  username: z.string().optional(),
  password: z.string().max(512).optional(),
  device_id: DeviceId.optional(),
  initial_device_display_name: z.string().max(255).optional(),
  inhibit_login: z.boolean().default(false),
  refresh_token: z.boolean().default(false),
});

export const registration = group("Account registration", [
  endpoint({
    route: "POST /_matrix/client/v3/register",
    auth: "none",
    limit: "registration",
    query: z.object({ kind: z.string().default("user") }),
    body: Request.extend({ auth: z.record(z.string(), z.json()).optional() }),
    reply: z.looseObject({ user_id: z.string() }),

    async handle({ body, query }, services) {
      const { config, store, sessions, interactiveAuth } = services;
      if (query.kind === "guest")
        throw new Failure("M_GUEST_ACCESS_FORBIDDEN", "this server takes no guests");
      if (query.kind !== "user") throw new Failure("M_INVALID_PARAM", "`kind` is `user` or `guest`");
      if (config.registration.mode === "closed") throw forbidden("accounts are made by the administrator");
      // Before the proof, so that a wrong name costs nobody a registration token.
      if (body.username !== undefined) await assertFree(body.username, services);
      if (body.password !== undefined) assertStrong(body.password, config.limits.passwordMinimum);

      const proved = Request.parse(
        await interactiveAuth.prove("register", body, stagesFor(config.registration)),
      );
      if (proved.password === undefined) throw new Failure("M_MISSING_PARAM", "a password is needed");
      const userId = await assertFree(proved.username ?? newToken("u").toLowerCase(), services);
      assertStrong(proved.password, config.limits.passwordMinimum);
      if (!(await store.accounts.create(userId, await sessions.hashPassword(proved.password), false)))
        throw inUse();
      if (proved.inhibit_login) return { user_id: userId, home_server: config.serverName };
      const session = await sessions.open(userId, {
        withRefresh: proved.refresh_token,
        ...(proved.device_id !== undefined && { deviceId: proved.device_id }),
        ...(proved.initial_device_display_name !== undefined && {
          displayName: proved.initial_device_display_name,
        }),
      });
      return renderSession(session, config.serverName);
    },
  }),

  endpoint({
    route: "GET /_matrix/client/v3/register/available",
    auth: "none",
    query: z.object({ username: z.string() }),
    reply: z.object({ available: z.boolean() }),
    async handle({ query, from }, services) {
      services.limits.take("registration", from);
      await assertFree(query.username, services);
      return { available: true };
    },
  }),

  endpoint({
    route: "GET /_matrix/client/v1/register/m.login.registration_token/validity",
    auth: "none",
    limit: "registration",
    query: z.object({ token: z.string() }),
    reply: z.object({ valid: z.boolean() }),
    handle({ query }, { config }) {
      if (config.registration.mode !== "token") throw forbidden("this server has no registration tokens");
      return { valid: isToken(query.token, config.registration.tokenFile) };
    },
  }),
]);

function stagesFor({ mode, tokenFile }: Services["config"]["registration"]): Stages {
  if (mode === "open") return { "m.login.dummy": () => undefined };
  return {
    "m.login.registration_token": (auth) => {
      const token = auth["token"];
      if (typeof token !== "string" || !isToken(token, tokenFile))
        throw forbidden("the registration token is wrong");
    },
  };
}

/** Read anew each time, so that a changed token needs no restart; compared in constant time. */
function isToken(given: string, tokenFile: string | undefined): boolean {
  if (tokenFile === undefined) return false;
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(given), hash(readSecretFile(tokenFile)));
}

/** @returns the user id of a name that is allowed and not taken */
async function assertFree(username: string, { config, store }: Services): Promise<string> {
  const userId = toUserId(username, config.serverName);
  if (!isNewUserId(userId) || !userId.endsWith(`:${config.serverName}`)) {
    throw new Failure("M_INVALID_USERNAME", "a user name has lower-case letters, digits and ._=-/+");
  }
  if ((await store.accounts.get(userId)) !== undefined) throw inUse();
  return userId;
}

const inUse = () => new Failure("M_USER_IN_USE", "the user name is taken");

/** @throws Failure M_WEAK_PASSWORD */
export function assertStrong(password: string, minimum: number): void {
  if ([...password].length < minimum)
    throw new Failure("M_WEAK_PASSWORD", `a password has at least ${minimum} characters`);
}
