/**
 * What programs outside the server read of an event on the bus: the body's fields and the headers beside it. The
 * published JSON Schema and the tables of docs/integration.md are made from it.
 *
 * Once published it only grows: a field may come, none goes or changes its meaning.
 * Source: Matrix client-server API v1.19, "Room event format".
 */
import { z } from "zod";

const EventId = z.string().regex(/^\$/);
const RoomId = z.string().regex(/^!/);
const UserId = z.string().regex(/^@/);

export const BusEvent = z
  .looseObject({
    type: z.string().describe("the kind of event: `m.room.message`, `m.room.member`, or one of your own"),
    state_key: z
      .string()
      .optional()
      .describe("there for state events alone, often empty; for `m.room.member` whose membership it is"),
    sender: UserId.describe("who sent it: `@ann:kitchen.home.arpa`"),
    content: z
      .record(z.string(), z.unknown())
      .describe("what the sender said, of any form that JSON has: check it before you rely on it"),
    origin_server_ts: z
      .int()
      .nonnegative()
      .describe("when it was sent, milliseconds since 1970; of bridges, as they say"),
    event_id: EventId.describe("names the event for ever; the same twice is the same event twice"),
    room_id: RoomId.describe("the room"),
    redacts: EventId.optional().describe("with `m.room.redaction`: the event that is taken back"),
  })
  .describe("An event of a room, as the IM server puts it on the bus: UTF-8 JSON, one event a message.");
export type BusEvent = z.infer<typeof BusEvent>;

export const BusHeaders = z
  .looseObject({
    event_id: EventId.describe("as in the body"),
    room_id: RoomId.describe("as in the body"),
    event_type: z.string().describe("`type` of the body"),
    sender: UserId.describe("as in the body"),
    seq: z.int().positive().describe("counts the room's events from 1 on, without a gap"),
    server_name: z.string().describe("the cloud: `kitchen.home.arpa`"),
  })
  .describe("Headers beside the body, to choose by without parsing it. On Kafka all of them are text.");
export type BusHeaders = z.infer<typeof BusHeaders>;

/** @returns JSON Schema (2020-12) of a message's body, with that of the headers among its `$defs` */
export function busEventSchema(): object {
  const { $schema: _same, ...headers } = z.toJSONSchema(BusHeaders);
  return { title: "imcloud event", ...z.toJSONSchema(BusEvent), $defs: { headers } };
}
