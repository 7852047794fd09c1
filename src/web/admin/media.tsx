/** What people have uploaded: who has how much, and the files of one. */
import { confirm } from "../ui/dialog.jsx";
import { attempt, tell } from "../ui/toasts.jsx";
import { briefly, size } from "../ui/when.js";
import { confirmByName } from "./confirm-name.jsx";
import { usePages } from "./loading.js";
import { Field, Form, More, Screen, Table, Tag, Waiting } from "./parts.jsx";
import { to } from "./place.js";
import { startOf } from "./room.jsx";
import { ask, part, queryOf, type MediaFile } from "./server.js";
import { number, t } from "./words.js";

interface Use {
  readonly user_id: string;
  readonly media_count: number;
  readonly media_bytes: number;
}

export function MediaUse() {
  const pages = usePages<Use>("/media", "users");
  return (
    <Screen title={t("mediaUse")}>
      <p>{t("mediaText")}</p>
      {pages.items === undefined ? (
        <Waiting error={pages.error} onRetry={pages.reload} />
      ) : (
        <Table
          caption={t("mediaUse")}
          columns={[t("account_"), t("files"), t("sizeOf")]}
          rows={pages.items.map(({ user_id: id, media_count: count, media_bytes: bytes }) => [
            id,
            <a href={to("media", id)}>{id}</a>,
            number(count),
            size(bytes),
          ])}
        />
      )}
      <More pages={pages} />
    </Screen>
  );
}

export function MediaOfUser({ userId }: { readonly userId: string }) {
  const path = `/users/${part(userId)}/media`;
  const pages = usePages<MediaFile>(path, "media");

  const quarantine = async ({ media_id: id, quarantined }: MediaFile) => {
    await ask("PUT", `/media/${part(id)}/quarantine`, { quarantined: !quarantined });
    tell(t("done_"));
    pages.reload();
  };
  const drop = async (file: MediaFile) => {
    const title = t("deleteFile", { name: file.name ?? file.media_id });
    if (!(await confirm(title, t("deleteFileText"), t("delete")))) return;
    await ask("DELETE", `/media/${part(file.media_id)}`);
    tell(t("done_"));
    pages.reload();
  };
  const dropAll = async (date: string) => {
    const before = date === "" ? undefined : startOf(date);
    if (
      (await confirmByName(t("deleteUploads"), t("deleteUploadsText", { user: userId }), userId)) ===
      undefined
    )
      return;
    const { deleted } = await ask<{ deleted: number }>("DELETE", path + queryOf({ before }));
    tell(t("deletedFiles", { n: number(deleted) }));
    pages.reload();
  };

  return (
    <Screen title={t("uploadsOf", { user: userId })} back={{ href: to("media"), label: t("mediaUse") }}>
      <p>
        <a href={to("users", userId)}>{userId}</a>
      </p>
      {pages.items === undefined ? (
        <Waiting error={pages.error} onRetry={pages.reload} />
      ) : (
        <Table
          caption={t("uploadsOf", { user: userId })}
          columns={[t("name"), t("type"), t("sizeOf"), t("uploaded"), t("actions")]}
          rows={pages.items.map((file) => [
            file.media_id,
            <span class="two-lines">
              <span dir="auto">{file.name ?? t("fileWithoutName")}</span>
              <small>{file.media_id}</small>
              {file.quarantined && <Tag kind="locked">{t("quarantined")}</Tag>}
            </span>,
            file.type ?? t("unknown"),
            file.bytes === undefined ? t("noneYet") : size(file.bytes),
            briefly(file.created_at),
            <span class="actions-bar">
              <button type="button" onClick={() => attempt(quarantine(file))}>
                {t(file.quarantined ? "unquarantine" : "quarantine")}
                <span class="hidden"> {file.name ?? file.media_id}</span>
              </button>
              <button type="button" class="danger" onClick={() => attempt(drop(file))}>
                {t("delete")}
                <span class="hidden"> {file.name ?? file.media_id}</span>
              </button>
            </span>,
          ])}
        />
      )}
      <More pages={pages} />
      {(pages.items ?? []).length > 0 && (
        <Form class="inline-form" onSubmit={(field) => attempt(dropAll(field("before")))}>
          <Field name="before" type="date" label={t("deleteUploadsBefore")} hint={t("reasonHint")} />
          <button class="danger">{t("deleteUploads")}</button>
        </Form>
      )}
    </Screen>
  );
}
