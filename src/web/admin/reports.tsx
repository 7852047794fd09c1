/** What people have reported, and the ways to act on it. */
import { confirm } from "../ui/dialog.jsx";
import { attempt, tell } from "../ui/toasts.jsx";
import { exactly } from "../ui/when.js";
import { usePages } from "./loading.js";
import { More, Screen, Waiting } from "./parts.jsx";
import { to } from "./place.js";
import { ask, part, type Report } from "./server.js";
import { t } from "./words.js";

export function Reports() {
  const pages = usePages<Report>("/reports", "reports");
  const dismiss = async (id: number) => {
    await ask("DELETE", `/reports/${id}`);
    tell(t("dismissed"));
    pages.reload();
  };
  const lock = async (userId: string) => {
    if (!(await confirm(t("lock"), t("lockText", { user: userId }), t("lock")))) return;
    await ask("PUT", `/users/${part(userId)}/lock`, { on: true });
    tell(t("done_"));
  };
  return (
    <Screen title={t("reports")}>
      <p>{t("reportsText")}</p>
      {pages.items === undefined && <Waiting error={pages.error} onRetry={pages.reload} />}
      {pages.items?.length === 0 && <p class="quiet">{t("nothing")}</p>}
      <ul class="stack">
        {pages.items?.map((report) => (
          <li key={report.report_id} class="box report">
            <blockquote dir="auto">{report.reason === "" ? t("noReason") : report.reason}</blockquote>
            <p class="quiet">
              {t("reportedBy")} <a href={to("users", report.reporter)}>{report.reporter}</a>,{" "}
              {exactly(report.reported_at)}
            </p>
            <About report={report} />
            <div class="actions-bar">
              {report.user_id !== undefined && (
                <button type="button" onClick={() => attempt(lock(report.user_id ?? ""))}>
                  {t("lockUser", { user: report.user_id })}
                </button>
              )}
              <button type="button" onClick={() => attempt(dismiss(report.report_id))}>
                {t("dismiss")}
                <span class="hidden"> {report.reason}</span>
              </button>
            </div>
          </li>
        ))}
      </ul>
      <More pages={pages} />
    </Screen>
  );
}

const About = ({
  report: { user_id: userId, room_id: roomId, event_id: eventId },
}: {
  readonly report: Report;
}) => (
  <p>
    {t("about")} {userId !== undefined && <a href={to("users", userId)}>{userId}</a>}
    {userId !== undefined && roomId !== undefined && " · "}
    {roomId !== undefined && <a href={to("rooms", roomId)}>{t("openRoom", { room: roomId })}</a>}
    {eventId !== undefined && <span class="quiet code"> · {t("message", { id: eventId })}</span>}
  </p>
);
