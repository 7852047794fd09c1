/**
 * New accounts.
 * Source: Matrix client-server API v1.19, "Account registration", "Token-authenticated registration".
 */
import { z } from "zod";
import { DeviceId, isNewUserId, newToken } from "../core/ids.js";
import type { AppService } from "../service/app-service.js";
import { Failure, forbidden } from "../service/failure.js";
import type { Stages } from "../service/interactive-auth.js";
import type { Services } from "../service/services.js";
import { APP_SERVICE_LOGIN, serviceOf } from "./as-service.js";
import { endpoint, group } from "./endpoint.js";
import { renderSession } from "./login.js";

/** No defaults: what the request with the proof leaves out, the one before it has said. */
const Request = z.object({
  username: z.string().optional(),
  password: z.string().max(512).optional(),
  device_id: DeviceId.optional(),
  initial_device_display_name: z.string().max(255).optional(),
  inhibit_login: z.boolean().optional(),
  refresh_token: z.boolean().optional(),
});

export const registration = group("Account registration", [
  endpoint({
    route: "POST /_matrix/client/v3/register",
    auth: "none",
    query: z.object({ kind: z.string().default("user") }),
    body: Request.extend({
      auth: z.record(z.string(), z.json()).optional(),
      type: z.string().optional(),
    }),
    reply: z.looseObject({ user_id: z.string() }),

    async handle(asked, services) {
      const { body, query } = asked;
      const { accounts, config, limits, sessions, interactiveAuth, registrationTokens } = services;
      if (query.kind === "guest")
        throw new Failure("M_GUEST_ACCESS_FORBIDDEN", "this server takes no guests");
      if (query.kind !== "user") throw new Failure("M_INVALID_PARAM", "`kind` is `user` or `guest`");
      if (body.type === APP_SERVICE_LOGIN) return registerFor(serviceOf(asked), body, services);
      if (config.registration.mode === "closed") throw forbidden("accounts are made by the administrator");
      // Proofs count, and news of who is here; not the question which proofs there are, that begins each account.
      limits.assertLeft("registration", asked.from);
      // Before the proof, so that a wrong name costs nobody a registration token.
      if (body.username !== undefined) await assertFree(body.username, asked, services);
      if (body.password !== undefined) accounts.assertStrong(body.password);

      let token: string | undefined;
      const stages = stagesFor(services, asked.from, (shown) => (token = shown));
      const proved = Request.parse(await interactiveAuth.prove("register", body, stages));
      if (proved.password === undefined) throw new Failure("M_MISSING_PARAM", "a password is needed");
      const userId = await assertFree(proved.username ?? newToken("u").toLowerCase(), asked, services);
      accounts.assertStrong(proved.password);
      await registrationTokens.register(userId, await sessions.hashPassword(proved.password), token);
      return welcome(userId, proved, services);
    },
  }),

  endpoint({
    route: "GET /_matrix/client/v3/register/available",
    auth: "none",
    query: z.object({ username: z.string() }),
    reply: z.object({ available: z.boolean() }),
    async handle(asked, services) {
      services.limits.assertLeft("registration", asked.from);
      await assertFree(asked.query.username, asked, services);
      return { available: true };
    },
  }),

  endpoint({
    route: "GET /_matrix/client/v1/register/m.login.registration_token/validity",
    auth: "none",
    limit: "registration",
    query: z.object({ token: z.string() }),
    reply: z.object({ valid: z.boolean() }),
    async handle({ query }, { config, registrationTokens }) {
      if (config.registration.mode !== "token") throw forbidden("this server has no registration tokens");
      return { valid: await registrationTokens.isGood(query.token) };
    },
  }),
]);

/** An account of an application service: nobody logs in to it by password. */
async function registerFor(service: AppService, request: z.infer<typeof Request>, services: Services) {
  if (request.username === undefined) throw new Failure("M_MISSING_PARAM", "`username` is missing");
  const userId = newUserId(request.username, services, service);
  if (!(await services.store.accounts.create(userId, undefined, false)))
    throw new Failure("M_USER_IN_USE", "the user name is taken");
  return welcome(userId, request, services);
}

/** Logs a new user in, unless they want no session. */
async function welcome(userId: string, request: z.infer<typeof Request>, { config, sessions }: Services) {
  if (request.inhibit_login === true) return { user_id: userId, home_server: config.serverName };
  const session = await sessions.open(userId, {
    withRefresh: request.refresh_token === true,
    ...(request.device_id !== undefined && { deviceId: request.device_id }),
    ...(request.initial_device_display_name !== undefined && {
      displayName: request.initial_device_display_name,
    }),
  });
  return renderSession(session, config.serverName);
}

/**
 * @param from who tries: each try counts
 * @param spend hears of the token that was shown
 */
function stagesFor(
  { config, limits, registrationTokens }: Services,
  from: string,
  spend: (token: string) => void,
): Stages {
  const count = () => {
    limits.take("registration", from);
  };
  if (config.registration.mode === "open") return { "m.login.dummy": count };
  return {
    "m.login.registration_token": async (auth) => {
      count();
      const token = auth["token"];
      if (typeof token !== "string" || !(await registrationTokens.isGood(token)))
        throw forbidden("the registration token is wrong");
      spend(token);
    },
  };
}

/** @param service that asks, where one does @returns the user id of a name that is allowed */
function newUserId(username: string, { appServices, config }: Services, service?: AppService): string {
  // The part before the colon alone: who gives a whole id has made a mistake, perhaps in the server's name.
  const userId = `@${username.toLowerCase()}:${config.serverName}`;
  if (!isNewUserId(userId, config.serverName)) {
    throw new Failure("M_INVALID_USERNAME", "a user name has lower-case letters, digits and ._=-/+");
  }
  appServices.assertMayMake("users", userId, service);
  return userId;
}

/** @returns the user id of a name that is allowed and not taken; news of one that is counts as a registration */
async function assertFree(
  username: string,
  { from }: { readonly from: string },
  services: Services,
): Promise<string> {
  const userId = newUserId(username, services);
  if ((await services.store.accounts.get(userId)) === undefined) return userId;
  services.limits.take("registration", from);
  throw new Failure("M_USER_IN_USE", "the user name is taken");
}
