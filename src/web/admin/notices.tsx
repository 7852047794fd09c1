/** What the server itself has to say: to one user, or to everybody. */
import { useState } from "preact/hooks";
import { confirm } from "../ui/dialog.jsx";
import { attempt, tell } from "../ui/toasts.jsx";
import { Field, Form, Screen, Table, troubleOf } from "./parts.jsx";
import { ask, get, queryOf, type Settings, type User } from "./server.js";
import { number, t } from "./words.js";

interface Progress {
  readonly sent: number;
  readonly failed: readonly (readonly [userId: string, reason: string])[];
  readonly isOver: boolean;
}

/** @param to whom it is for, to begin with */
export function Notices({ to }: { readonly to: string | undefined }) {
  const [isToAll, setToAll] = useState(false);
  const [progress, setProgress] = useState<Progress>();

  const send = async (field: (name: string) => string, form: HTMLFormElement) => {
    const [user, body] = [field("user"), field("body")];
    if (!isToAll) {
      await ask("POST", "/notices", { user_id: user, body });
      tell(t("noticeSent", { user }));
      form.reset();
      return;
    }
    if (!(await confirm(t("sendAll"), t("sendAllText"), t("sendAll"), false))) return;
    await sendToAll(body, setProgress);
  };

  const isBusy = progress?.isOver === false;
  return (
    <Screen title={t("notices")}>
      <p>{t("noticesText")}</p>
      <Form class="stack" onSubmit={(field, form) => attempt(send(field, form))}>
        <fieldset>
          <legend>{t("to")}</legend>
          {([false, true] as const).map((all) => (
            <label key={String(all)} class="choice">
              <input type="radio" name="whom" checked={isToAll === all} onChange={() => setToAll(all)} />
              {t(all ? "toAll" : "toOne")}
            </label>
          ))}
        </fieldset>
        {!isToAll && (
          <Field name="user" label={t("account_")} isRequired {...(to !== undefined && { value: to })} />
        )}
        <label class="field">
          {t("noticeText")}
          <textarea name="body" rows={4} required dir="auto" />
        </label>
        <div class="actions-bar">
          <button class="primary" disabled={isBusy}>
            {isToAll ? t("sendAll") : t("send")}
          </button>
        </div>
      </Form>
      <p role="status">
        {progress !== undefined &&
          t(progress.isOver ? "noticeDone" : "noticeProgress", {
            sent: number(progress.sent),
            failed: number(progress.failed.length),
          })}
      </p>
      {progress !== undefined && progress.failed.length > 0 && (
        <Table
          caption={t("notSentTo")}
          columns={[t("notSentTo"), t("reason")]}
          rows={progress.failed.map(([userId, reason]) => [userId, userId, reason])}
        />
      )}
    </Screen>
  );
}

/** One after the other, page by page: each may be a room that has to be made. */
async function sendToAll(body: string, tellProgress: (progress: Progress) => void): Promise<void> {
  const { notices_user_id: sender } = await get<Settings>("/settings");
  let progress: Progress = { sent: 0, failed: [], isOver: false };
  tellProgress(progress);
  try {
    for (let from: string | undefined = ""; from !== undefined;) {
      const page: { users: readonly User[]; next?: string } = await get(`/users${queryOf({ from })}`);
      for (const { user_id: userId, deactivated } of page.users) {
        if (deactivated || userId === sender) continue;
        try {
          await ask("POST", "/notices", { user_id: userId, body });
          progress = { ...progress, sent: progress.sent + 1 };
        } catch (error) {
          progress = { ...progress, failed: [...progress.failed, [userId, troubleOf(error)]] };
        }
        tellProgress(progress);
      }
      from = page.next;
    }
  } finally {
    tellProgress({ ...progress, isOver: true });
  }
}
