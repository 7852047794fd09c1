/**
 * Events that are sent later: list, restart, send at once, take back. They are scheduled where events are sent.
 * Source: MSC4140, under the experimental path that clients call.
 */
import { z } from "zod";
import type { EventDraft } from "../core/event.js";
import { Failure } from "../service/failure.js";
import type { Services } from "../service/services.js";
import type { Caller } from "../service/sessions.js";
import { Empty, endpoint, group, Json } from "./endpoint.js";

const ROOT = "/_matrix/client/unstable/org.matrix.msc4140/delayed_events";
const Action = z.enum(["restart", "send", "cancel"]);
const Delayed = z.object({ delayId: z.string().min(1) });

/** What a request to send may say beside. */
export const DelayQuery = z.object({ "org.matrix.msc4140.delay": z.coerce.number().int().min(1).optional() });
/** An answer to such a request. */
export const Scheduled = z.object({ delay_id: z.string() });

/** @param delayMs what {@link DelayQuery} says */
export async function scheduled(
  delayMs: number,
  caller: Caller,
  roomId: string,
  draft: EventDraft,
  txnId: string,
  { delayedEvents }: Services,
): Promise<{ delay_id: string }> {
  const mark = JSON.stringify([caller.deviceId, roomId, draft.type, txnId]);
  return { delay_id: await delayedEvents.schedule(roomId, draft, delayMs, mark) };
}

async function act(delayId: string, action: z.infer<typeof Action>, { delayedEvents }: Services) {
  if (action === "restart") await delayedEvents.restart(delayId);
  else if (action === "send") await delayedEvents.send(delayId);
  else await delayedEvents.cancel(delayId);
  return {};
}

export const delayedEvents = group("Delayed events", [
  endpoint({
    route: `GET ${ROOT}`,
    reply: z.object({ delayed_events: z.array(Json) }),
    handle: async ({ caller }, services) => ({
      delayed_events: await services.delayedEvents.scheduled(caller.userId),
    }),
  }),

  // The id cannot be guessed, and is the right to act: a call's own server acts for a client that is gone.
  endpoint({
    route: `POST ${ROOT}/{delayId}`,
    auth: "none",
    limit: "message",
    params: Delayed,
    body: z.object({ action: Action }),
    reply: Empty,
    handle: ({ params, body }, services) => act(params.delayId, body.action, services),
  }),
  endpoint({
    route: `POST ${ROOT}/{delayId}/{action}`,
    auth: "none",
    limit: "message",
    params: Delayed.extend({ action: z.string() }),
    reply: Empty,
    handle({ params }, services) {
      const action = Action.safeParse(params.action);
      if (!action.success) throw new Failure("M_UNRECOGNIZED", "there is no such endpoint");
      return act(params.delayId, action.data, services);
    },
  }),
]);
