/**
 * What the server is and can do: `versions`, `.well-known`, `capabilities`.
 * Source: Matrix client-server API v1.19, "API Versions", "Well-known URI", "Capabilities negotiation".
 */
import { z } from "zod";
import { ROOM_VERSIONS } from "../core/room-versions.js";
import { endpoint, group, Json } from "./endpoint.js";
import { rtcTransports } from "./voip.js";

/**
 * A client refuses a server that lists none of those it knows; one that lists too much is called for what it lacks, and
 * one that lists too little under the experimental paths of what it has.
 */
const SPEC_VERSIONS = ["r0.6.1", ...Array.from({ length: 19 }, (_, index) => `v1.${index + 1}`)];

/** What is there that the specification does not have yet. */
const UNSTABLE_FEATURES = {
  /** MSC4186. */
  "org.matrix.simplified_msc3575": true,
  /** Web Push. */
  "org.matrix.msc4174": true,
  /** Filters by relation. */
  "org.matrix.msc3874": true,
  /** The state after the timeline, which is `use_state_after` since v1.16. */
  "org.matrix.msc4222": true,
  /** Account data can be removed. */
  "org.matrix.msc3391": true,
  /** Delayed events. */
  "org.matrix.msc4140": true,
  /** Whose invites somebody takes. */
  "org.matrix.msc4155": true,
  /** How calls are carried. */
  "org.matrix.msc4143": true,
  // These the specification has by now, and clients ask for them by their old names: see the paths in app.ts.
  /** Profile fields. */
  "uk.tcpip.msc4133": true,
  "uk.tcpip.msc4133.stable": true,
  /** Rooms in common. */
  "uk.half-shot.msc2666.query_mutual_rooms": true,
};

export const discovery = group("Server discovery", [
  endpoint({
    route: "GET /_matrix/client/versions",
    auth: "none",
    reply: z.object({ versions: z.array(z.string()), unstable_features: z.record(z.string(), z.boolean()) }),
    handle: () => ({ versions: SPEC_VERSIONS, unstable_features: UNSTABLE_FEATURES }),
  }),

  endpoint({
    route: "GET /.well-known/matrix/client",
    auth: "none",
    reply: z.looseObject({ "m.homeserver": z.object({ base_url: z.string() }) }),
    handle(_asked, { config }) {
      const transports = rtcTransports(config);
      return {
        "m.homeserver": { base_url: config.publicBaseUrl.replace(/\/$/, "") },
        ...(transports.length > 0 && { "org.matrix.msc4143.rtc_foci": transports }),
      };
    },
  }),

  endpoint({
    route: "GET /_matrix/client/v3/capabilities",
    reply: z.object({ capabilities: Json }),
    handle: async ({ caller }, { config, pushDelivery }) => ({
      capabilities: {
        ...(caller.isAdmin && { "m.account_moderation": { suspend: true, lock: true } }),
        "m.change_password": { enabled: true },
        "m.room_versions": {
          default: config.defaultRoomVersion,
          available: Object.fromEntries([...ROOM_VERSIONS.keys()].map((version) => [version, "stable"])),
        },
        "m.set_displayname": { enabled: true },
        "m.set_avatar_url": { enabled: true },
        "m.profile_fields": { enabled: true },
        // MSC4174: what browsers subscribe for.
        "org.matrix.msc4174.webpush": { enabled: true, vapid: await pushDelivery.publicKey() },
        "m.3pid_changes": { enabled: false },
        "m.get_login_token": { enabled: false },
      },
    }),
  }),
]);
