/**
 * Requests that are an application service's, or nobody's: its accounts and sessions, events with a time of their own.
 * Source: Matrix Application Service API v1.19, "Client-Server API Extensions".
 */
import { z } from "zod";
import { toUserId } from "../core/ids.js";
import type { AppService } from "../service/app-service.js";
import { Failure, forbidden } from "../service/failure.js";
import type { Services } from "../service/services.js";
import type { Caller } from "../service/sessions.js";
import type { Asked } from "./endpoint.js";

/** What names a login, or a registration, by an application service. */
export const APP_SERVICE_LOGIN = "m.login.application_service";

/** What a request to send may say beside. */
export const TimestampQuery = z.object({ ts: z.coerce.number().int().min(0).optional() });

/** When it was said, if a service says so; anybody else has no say in that. */
export function timeOf({ ts }: z.infer<typeof TimestampQuery>, { service }: Caller): { ts?: number } {
  return service === undefined || ts === undefined ? {} : { ts };
}

type Request = Pick<Asked<unknown, unknown, unknown>, "caller" | "request">;

/** @throws Failure M_MISSING_TOKEN, M_UNKNOWN_TOKEN when no service asks */
export function serviceOf({ caller, request }: Request): AppService {
  if (caller.service !== undefined) return caller.service;
  if (request.headers.get("authorization") === null)
    throw new Failure("M_MISSING_TOKEN", "the token of an application service is needed");
  throw new Failure("M_UNKNOWN_TOKEN", "the token is no application service's");
}

/**
 * Whom a service logs in.
 *
 * @throws Failure M_EXCLUSIVE for a user outside its namespaces, M_FORBIDDEN for one that is not there
 */
export async function userOf(
  asked: Request,
  user: string,
  { config, store }: Pick<Services, "config" | "store">,
): Promise<string> {
  const service = serviceOf(asked);
  // Its own account may have capitals in its name.
  const exact = user.startsWith("@") ? user : `@${user}:${config.serverName}`;
  const userId = exact === service.sender ? exact : toUserId(user, config.serverName);
  if (!service.coversUser(userId)) throw new Failure("M_EXCLUSIVE", `${userId} is not in your namespace`);
  const account = await store.accounts.get(userId);
  if (account === undefined || account.isDeactivated) throw forbidden(`${userId} is not registered`);
  return userId;
}
