/**
 * Calls: a TURN server for those between two, a media server for those of many.
 * Source: Matrix client-server API v1.19, "Voice over IP"; MSC4143; coturn's "TURN REST API" (`use-auth-secret`).
 */
import { createHmac } from "node:crypto";
import { z } from "zod";
import type { ServerConfig } from "../../shared/server-config.js";
import { readSecretFile } from "../runtime/secret-file.js";
import { Failure } from "../service/failure.js";
import { endpoint, group } from "./endpoint.js";

const Transport = z.object({ type: z.string(), livekit_service_url: z.string() });

/** Where calls of many meet, as clients are told it. */
export function rtcTransports({ calls }: ServerConfig): z.infer<typeof Transport>[] {
  return calls.livekitServiceUrls.map((url) => ({ type: "livekit", livekit_service_url: url }));
}

export const voip = group("Voice over IP", [
  endpoint({
    route: "GET /_matrix/client/v3/voip/turnServer",
    reply: z.object({
      username: z.string().optional(),
      password: z.string().optional(),
      ttl: z.number().optional(),
      uris: z.array(z.string()).optional(),
    }),
    // Without a TURN server the answer is an empty object, as the specification has it.
    handle({ caller }, { config }) {
      const { turn } = config.calls;
      if (turn === undefined) return {};
      const username = `${Math.floor(Date.now() / 1000) + turn.lifetimeS}:${caller.userId}`;
      const password = createHmac("sha1", readSecretFile(turn.secretFile)).update(username).digest("base64");
      return { username, password, ttl: turn.lifetimeS, uris: turn.uris };
    },
  }),

  endpoint({
    route: "GET /_matrix/client/unstable/org.matrix.msc4143/rtc/transports",
    reply: z.object({ rtc_transports: z.array(Transport) }),
    handle(_asked, { config }) {
      const transports = rtcTransports(config);
      // A client that gets an empty list looks no further; one that is told nothing looks at `.well-known`.
      if (transports.length === 0)
        throw new Failure("M_UNRECOGNIZED", "this server names no media server for calls");
      return { rtc_transports: transports };
    },
  }),
]);
