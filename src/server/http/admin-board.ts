/**
 * imcloud's own administration: how the server and its board do, and what they are set to. docs/admin-api.md
 */
import { z } from "zod";
import { fingerprintLines } from "../../shared/authority-certificate.js";
import { toUserId } from "../core/ids.js";
import { FIGURE_NAMES, FIGURES, SAMPLE_MS, shown, type FigureName } from "../service/figures.js";
import { endpoint, group } from "./endpoint.js";

const PATH = "/_imcloud/admin/v1";
const DAY_MS = 24 * 60 * 60_000;

const columns = <T extends z.ZodType>(value: T) =>
  z.object(Object.fromEntries(FIGURE_NAMES.map((name) => [name, value])) as Record<FigureName, T>);

/** Null where it is not known. */
const Value = z.number().nullable();

const Finding = z.object({
  check: z.string(),
  title: z.string(),
  verdict: z.enum(["ok", "warning", "critical", "unknown"]),
  summary: z.string(),
  measured: z.string().optional(),
  value: z.number().optional(),
  unit: z.string().optional(),
  threshold: z.string().optional(),
  hint: z.string().optional(),
});

const Settings = z.object({
  server_name: z.string(),
  address: z.string().describe("where the chat is"),
  entrance: z.string().describe("where somebody begins whose device may not know the server"),
  fingerprint: z.array(z.string()).optional().describe("of the cloud's own authority, in lines"),
  registration: z.enum(["closed", "token", "open"]),
  password_minimum: z.number(),
  user_media_bytes: z.number(),
  upload_bytes: z.number(),
  /** Whom notices come from. */
  notices_user_id: z.string(),
  retention: z.object({
    enabled: z.boolean(),
    message_days: z.number().optional(),
    least_message_days: z.number().optional(),
    most_message_days: z.number().optional(),
    media_days: z.number().optional(),
  }),
});

export const adminBoard = group("Administration: the board", [
  endpoint({
    route: `GET ${PATH}/figures`,
    auth: "admin",
    query: z.object({ since: z.coerce.number().int().min(0).optional() }),
    reply: z.object({
      interval_ms: z.number(),
      units: columns(z.string()),
      at: z.array(z.number()),
      figures: columns(z.array(Value)),
      now: z.object({ at: z.number(), figures: columns(Value) }),
    }),
    async handle({ query: { since } }, { watch }) {
      const now = Date.now();
      const sample = await watch.look();
      const { at, figures } = watch.figures.since(since ?? now - DAY_MS);
      const current = FIGURE_NAMES.map((name) => [name, shown(sample[name])]);
      return {
        interval_ms: SAMPLE_MS,
        units: FIGURES,
        at: [...at],
        figures: Object.fromEntries(FIGURE_NAMES.map((name) => [name, [...figures[name]]])) as Record<
          FigureName,
          (number | null)[]
        >,
        now: { at: now, figures: Object.fromEntries(current) as Record<FigureName, number | null> },
      };
    },
  }),

  endpoint({
    route: `GET ${PATH}/health`,
    auth: "admin",
    reply: z.object({ at: z.number(), findings: z.array(Finding) }),
    async handle(_asked, { watch }) {
      const now = new Date();
      return { at: now.getTime(), findings: await watch.health(now) };
    },
  }),

  endpoint({
    route: `GET ${PATH}/settings`,
    auth: "admin",
    reply: Settings,
    handle(_asked, { config, welcome }) {
      const { serverName, registration, limits, media, notices, retention } = config;
      const { address, entrance, authority } = welcome;
      const { enabled, messageDays, leastMessageDays, mostMessageDays, mediaDays } = retention;
      return {
        server_name: serverName,
        ...{ address, entrance },
        ...(authority !== undefined && { fingerprint: [...fingerprintLines(authority.sha256)] }),
        registration: registration.mode,
        password_minimum: limits.passwordMinimum,
        user_media_bytes: media.userBytes,
        upload_bytes: media.uploadBytes,
        notices_user_id: toUserId(notices.user, serverName),
        retention: {
          enabled,
          ...(messageDays !== undefined && { message_days: messageDays }),
          ...(leastMessageDays !== undefined && { least_message_days: leastMessageDays }),
          ...(mostMessageDays !== undefined && { most_message_days: mostMessageDays }),
          ...(mediaDays !== undefined && { media_days: mediaDays }),
        },
      };
    },
  }),
]);
