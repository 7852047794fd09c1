/**
 * Profiles.
 * Source: Matrix client-server API v1.19, "Profiles".
 */
import { z } from "zod";
import { UserId } from "../core/ids.js";
import type { JsonValue } from "../core/json.js";
import { Failure, forbidden, invalid, notFound } from "../service/failure.js";
import type { Services } from "../service/services.js";
import { Content } from "./content.js";
import { Empty, endpoint, group, Json } from "./endpoint.js";

const Owner = z.object({ userId: UserId });
const Field = Owner.extend({
  keyName: z.string().regex(/^[a-z][a-z0-9_.-]*$/, "no name of a profile field"),
});
/** Longest name of a field, in bytes. */
const MOST_NAME = 255;
/** Longest display name and address of a picture, in characters: both are in each member event, whose size is bounded. */
const LONGEST = { displayname: 256, avatar_url: 1_000 } as const;
/** Largest profile, in bytes. */
const MOST_BYTES = 65_536;

async function profileOf(
  userId: string,
  { appServices, profiles: service }: Services,
): Promise<Record<string, JsonValue>> {
  if ((await appServices.account(userId)) === undefined) throw notFound("there is no such user");
  return service.get(userId);
}

export const profiles = group("Profiles", [
  endpoint({
    route: "GET /_matrix/client/v3/profile/{userId}",
    auth: "none",
    params: Owner,
    reply: Json,
    handle: ({ params }, services) => profileOf(params.userId, services),
  }),

  endpoint({
    route: "GET /_matrix/client/v3/profile/{userId}/{keyName}",
    auth: "none",
    params: Field,
    reply: Json,
    async handle({ params }, services) {
      const value = (await profileOf(params.userId, services))[params.keyName];
      if (value === undefined) throw notFound("the profile says nothing about that");
      return { [params.keyName]: value };
    },
  }),

  endpoint({
    route: "PUT /_matrix/client/v3/profile/{userId}/{keyName}",
    refusesSuspended: true,
    params: Field,
    body: Content,
    reply: Empty,
    async handle({ caller, params, body }, services) {
      const { userId, keyName } = params;
      if (userId !== caller.userId) throw forbidden("a profile is its owner's");
      if (keyName.length > MOST_NAME)
        throw new Failure("M_KEY_TOO_LARGE", `the name of a field has at most ${MOST_NAME} bytes`);
      const value = body[keyName];
      if (value === undefined) throw new Failure("M_MISSING_PARAM", `\`${keyName}\` is missing`);
      const isText = keyName === "displayname" || keyName === "avatar_url";
      if (isText && (typeof value !== "string" || value.length > LONGEST[keyName]))
        throw invalid(`\`${keyName}\` is a text of at most ${LONGEST[keyName]} characters`);
      const whole = { ...(await services.profiles.get(userId)), [keyName]: value };
      if (Buffer.byteLength(JSON.stringify(whole)) > MOST_BYTES)
        throw new Failure("M_PROFILE_TOO_LARGE", "a profile has at most 64 KiB");
      // An empty text is how older clients take a name or picture away.
      await services.profiles.set(userId, keyName, isText && value === "" ? undefined : value);
      return {};
    },
  }),

  endpoint({
    route: "DELETE /_matrix/client/v3/profile/{userId}/{keyName}",
    refusesSuspended: true,
    params: Field,
    reply: Empty,
    async handle({ caller, params }, services) {
      if (params.userId !== caller.userId) throw forbidden("a profile is its owner's");
      await services.profiles.set(params.userId, params.keyName);
      return {};
    },
  }),
]);
