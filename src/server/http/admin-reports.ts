/**
 * imcloud's own administration of what people have reported. docs/admin-api.md
 */
import { z } from "zod";
import { notFound } from "../service/failure.js";
import type { Report as StoredReport } from "../store/reports.js";
import { Empty, endpoint, group } from "./endpoint.js";

const PATH = "/_imcloud/admin/v1/reports";
const ReportId = z.coerce.number().int().min(1);

const Report = z.object({
  report_id: z.number(),
  reporter: z.string(),
  /** Absent where a person was reported. */
  room_id: z.string().optional(),
  /** Absent where a room or a person was. */
  event_id: z.string().optional(),
  /** Who is meant; absent where a room is. */
  user_id: z.string().optional(),
  reason: z.string(),
  reported_at: z.number(),
});

const render = ({ id, reporter, roomId, eventId, userId, reason, at }: StoredReport) => ({
  report_id: id,
  reporter,
  ...(roomId !== undefined && { room_id: roomId }),
  ...(eventId !== undefined && { event_id: eventId }),
  ...(userId !== undefined && { user_id: userId }),
  reason,
  reported_at: at,
});

export const adminReports = group("Administration: reports", [
  endpoint({
    route: `GET ${PATH}`,
    auth: "admin",
    query: z.object({
      from: ReportId.optional(),
      limit: z.coerce.number().int().min(1).max(1_000).default(100),
    }),
    reply: z.object({ reports: z.array(Report), next: z.string().optional() }),
    async handle({ query: { from, limit } }, { store }) {
      const reports = await store.reports.list(limit + 1, from);
      const page = reports.slice(0, limit);
      const last = page.at(-1);
      return {
        reports: page.map(render),
        ...(reports.length > limit && last !== undefined && { next: String(last.id) }),
      };
    },
  }),

  endpoint({
    route: `DELETE ${PATH}/{reportId}`,
    auth: "admin",
    params: z.object({ reportId: ReportId }),
    reply: Empty,
    async handle({ params }, { store }) {
      if (!(await store.reports.delete(params.reportId))) throw notFound("there is no such report");
      return {};
    },
  }),
]);
