/**
 * What a client asks of sliding sync, in the form that clients send today.
 *
 * Source: MSC4186, of which clients speak the experimental form (its appendix lists what differs): `ranges`,
 * `is_invite`, and pairs of type and state key in `required_state`. Unknown keys are ignored, as clients may be newer.
 */
import { z } from "zod";

/** Source: MSC4186, "Top-level": more than so many lists or subscriptions are refused. */
export const MOST_RULES = 100;

const Index = z.int().min(0);
const Names = z.array(z.string());

const Config = {
  required_state: z.array(z.tuple([z.string(), z.string()])).default([]),
  timeline_limit: z.int().min(0).default(0),
};

const ListFilters = z.object({
  is_dm: z.boolean().nullish(),
  is_encrypted: z.boolean().nullish(),
  is_invite: z.boolean().nullish(),
  room_types: z.array(z.string().nullable()).nullish(),
  not_room_types: z.array(z.string().nullable()).nullish(),
  spaces: Names.nullish(),
  tags: Names.nullish(),
  not_tags: Names.nullish(),
});

const Range = z
  .tuple([Index, Index])
  .refine(([start, end]) => start <= end, "a range does not end before its start");

const List = z.object({ ranges: z.array(Range).default([]), filters: ListFilters.nullish(), ...Config });
const RoomSubscription = z.object(Config);

/** For which rooms an extension speaks: those of these lists, and these subscriptions; all when absent. */
const Scope = {
  enabled: z.boolean().nullish(),
  lists: Names.nullish(),
  rooms: Names.nullish(),
};
const Scoped = z.object(Scope);

export const SlidingRequest = z.object({
  conn_id: z.string().max(255).default(""),
  txn_id: z.string().max(255).optional(),
  lists: z.record(z.string(), List).default({}),
  room_subscriptions: z.record(z.string(), RoomSubscription).default({}),
  extensions: z
    .object({
      to_device: z
        .object({
          enabled: z.boolean().nullish(),
          limit: z.int().min(1).nullish(),
          since: z.string().nullish(),
        })
        .default({}),
      e2ee: z.object({ enabled: z.boolean().nullish() }).default({}),
      account_data: Scoped.default({}),
      receipts: Scoped.default({}),
      typing: Scoped.default({}),
    })
    .prefault({}),
});

export type SlidingRequest = z.infer<typeof SlidingRequest>;
export type ListRequest = SlidingRequest["lists"][string];
export type ListFilters = z.infer<typeof ListFilters>;
export type ExtensionScope = z.infer<typeof Scoped>;
