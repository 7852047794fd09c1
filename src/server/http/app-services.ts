/**
 * What application services ask for, and what only they know.
 * Sources: Matrix client-server API v1.19, "Third-party networks"; Application Service API v1.19, "Pinging",
 * "Client-Server API Extensions".
 */
import { z } from "zod";
import { RoomId } from "../core/ids.js";
import { forbidden } from "../service/failure.js";
import { Empty, endpoint, group, Json } from "./endpoint.js";

const Protocol = z.object({ protocol: z.string().min(1) });
/** Which fields there are, the protocol's own metadata say. */
const Fields = z.looseObject({});

/** Without what belongs to the request: a service sees neither token nor mask. */
function fieldsOf(query: object): Record<string, string> {
  const { access_token: _token, user_id: _user, ...fields } = query as Record<string, string>;
  return fields;
}

export const appServices = group("Third-party networks", [
  endpoint({
    route: "POST /_matrix/client/v1/appservice/{appserviceId}/ping",
    params: z.object({ appserviceId: z.string().min(1) }),
    body: z.object({ transaction_id: z.string().optional() }),
    reply: z.object({ duration_ms: z.number() }),
    handle: async ({ caller, params, body }, services) => ({
      duration_ms: await services.appServices.ping(params.appserviceId, caller, body.transaction_id),
    }),
  }),

  endpoint({
    route: "PUT /_matrix/client/v3/directory/list/appservice/{networkId}/{roomId}",
    params: z.object({ networkId: z.string().min(1).max(255), roomId: RoomId }),
    body: z.object({ visibility: z.enum(["public", "private"]) }),
    reply: Empty,
    async handle({ caller, params, body }, { rooms, store }) {
      const { networkId: network, roomId } = params;
      if (caller.service === undefined) throw forbidden("this is for application services");
      await rooms.state(roomId);
      const on = { service: caller.service.id, network };
      await store.directory.publishOnNetwork(on, roomId, body.visibility === "public");
      return {};
    },
  }),

  endpoint({
    route: "GET /_matrix/client/v3/thirdparty/protocols",
    reply: z.record(z.string(), Json),
    handle: (_asked, services) => services.appServices.protocols(),
  }),

  endpoint({
    route: "GET /_matrix/client/v3/thirdparty/protocol/{protocol}",
    params: Protocol,
    reply: Json,
    handle: ({ params }, services) => services.appServices.protocol(params.protocol),
  }),

  endpoint({
    route: "GET /_matrix/client/v3/thirdparty/location/{protocol}",
    params: Protocol,
    query: Fields,
    reply: z.array(Json),
    handle: ({ params: { protocol }, query }, services) =>
      services.appServices.lookUp(`/location/${encodeURIComponent(protocol)}`, fieldsOf(query), protocol),
  }),

  endpoint({
    route: "GET /_matrix/client/v3/thirdparty/user/{protocol}",
    params: Protocol,
    query: Fields,
    reply: z.array(Json),
    handle: ({ params: { protocol }, query }, services) =>
      services.appServices.lookUp(`/user/${encodeURIComponent(protocol)}`, fieldsOf(query), protocol),
  }),

  endpoint({
    route: "GET /_matrix/client/v3/thirdparty/location",
    query: z.object({ alias: z.string() }),
    reply: z.array(Json),
    handle: ({ query }, services) => services.appServices.lookUp("/location", query),
  }),

  endpoint({
    route: "GET /_matrix/client/v3/thirdparty/user",
    query: z.object({ userid: z.string() }),
    reply: z.array(Json),
    handle: ({ query }, services) => services.appServices.lookUp("/user", query),
  }),
]);
