/** One account: what it is, what it has, and what may be done to it. */
import { useState } from "preact/hooks";
import { confirm, Dialog } from "../ui/dialog.jsx";
import { attempt, tell } from "../ui/toasts.jsx";
import { briefly, day, size } from "../ui/when.js";
import { confirmByName } from "./confirm-name.jsx";
import { useLoaded } from "./loading.js";
import { Copyable, Facts, Field, Form, Screen, Table, Waiting } from "./parts.jsx";
import { makePassword } from "./passwords.js";
import { to } from "./place.js";
import { ask, part, session, type Settings, type UserDetails } from "./server.js";
import { Standing } from "./users.jsx";
import type { AdminWord } from "../words/admin-en.js";
import { number, t } from "./words.js";

const MEGABYTE = 1_000_000;

export function UserScreen({ userId }: { readonly userId: string }) {
  const user = useLoaded<UserDetails>(`/users/${part(userId)}`);
  return (
    <Screen title={userId} back={{ href: to("users"), label: t("users") }}>
      {user.data === undefined ? (
        <Waiting error={user.error} onRetry={user.reload} />
      ) : (
        <Details user={user.data} onChanged={user.reload} />
      )}
    </Screen>
  );
}

interface DetailsProps {
  readonly user: UserDetails;
  readonly onChanged: () => void;
}

function Details({ user, onChanged }: DetailsProps) {
  const { user_id: userId } = user;
  return (
    <>
      <Facts
        facts={[
          [t("displayName"), user.display_name ?? t("noneYet")],
          [t("state"), <Standing user={user} />],
          [t("since"), day(user.created_at)],
          [t("roomsJoined"), number(user.joined_rooms)],
          [
            t("uploads"),
            <a href={to("media", userId)}>
              {number(user.media_count)}, {size(user.media_bytes)}
            </a>,
          ],
        ]}
      />
      {!user.deactivated && <Actions user={user} onChanged={onChanged} />}
      <Devices user={user} onChanged={onChanged} />
      {!user.deactivated && <Quota user={user} onChanged={onChanged} />}
    </>
  );
}

function Actions({ user, onChanged }: DetailsProps) {
  const { user_id: userId } = user;
  const [password, setPassword] = useState<string>();
  const path = `/users/${part(userId)}`;
  const isOwn = userId === session.value?.userId;

  const change = async (way: string, method: "PUT" | "POST" | "DELETE", body?: object) => {
    await ask(method, `${path}/${way}`, body);
    tell(t("done_"));
    onChanged();
  };
  /** Asked for first when a text says what comes of it. */
  const restrain = (way: "lock" | "suspend" | "admin", isOn: boolean, title: AdminWord, text?: AdminWord) =>
    attempt(
      (async () => {
        const isSure = text === undefined || (await confirm(t(title), t(text, { user: userId }), t(title)));
        if (isSure) await change(way, "PUT", way === "admin" ? { admin: isOn } : { on: isOn });
      })(),
    );
  const reset = async () => {
    if (!(await confirm(t("resetPassword"), t("resetPasswordText", { user: userId }), t("resetPassword"))))
      return;
    const { password_minimum: least } = await ask<Settings>("GET", "/settings");
    const made = makePassword(least);
    await change("password", "POST", { password: made });
    setPassword(made);
  };
  const deactivate = async () => {
    const options = [{ name: "erase", label: t("alsoErase") }];
    const chosen = await confirmByName(
      t("deactivate"),
      t("deactivateText", { user: userId }),
      userId,
      options,
    );
    if (chosen !== undefined) await change("deactivate", "POST", { erase: chosen("erase") !== "" });
  };

  return (
    <section>
      <h2>{t("actions")}</h2>
      {isOwn && <p class="quiet">{t("ownAccount")}</p>}
      <div class="actions-bar">
        <button type="button" onClick={() => attempt(reset())}>
          {t("resetPassword")}
        </button>
        <a class="button" href={to("notices", userId)}>
          {t("sendNotice")}
        </a>
        {user.admin ? (
          <button type="button" onClick={() => restrain("admin", false, "unmakeAdmin")} disabled={isOwn}>
            {t("unmakeAdmin")}
          </button>
        ) : (
          <>
            <button type="button" onClick={() => restrain("admin", true, "makeAdmin", "makeAdminText")}>
              {t("makeAdmin")}
            </button>
            {user.locked ? (
              <button type="button" onClick={() => restrain("lock", false, "unlock")}>
                {t("unlock")}
              </button>
            ) : (
              <button type="button" onClick={() => restrain("lock", true, "lock", "lockText")}>
                {t("lock")}
              </button>
            )}
            {user.suspended ? (
              <button type="button" onClick={() => restrain("suspend", false, "unsuspend")}>
                {t("unsuspend")}
              </button>
            ) : (
              <button type="button" onClick={() => restrain("suspend", true, "suspend", "suspendText")}>
                {t("suspend")}
              </button>
            )}
          </>
        )}
        <button type="button" class="danger" onClick={() => attempt(deactivate())} disabled={isOwn}>
          {t("deactivate")}
        </button>
      </div>
      {user.admin && !isOwn && <p class="quiet">{t("notForAdmins")}</p>}
      {password !== undefined && (
        <Dialog title={t("resetPassword")} onClose={() => setPassword(undefined)}>
          <div class="stack">
            <Copyable label={t("passwordOf", { user: userId })} text={password} />
            <p class="quiet">{t("shownOnce")}</p>
          </div>
        </Dialog>
      )}
    </section>
  );
}

function Devices({ user: { user_id: userId, devices }, onChanged }: DetailsProps) {
  const path = `/users/${part(userId)}/devices`;
  const signOut = async (device?: string) => {
    const title = t(device === undefined ? "signOutAll" : "signOutDevice");
    const text = device === undefined ? t("signOutAllText", { user: userId }) : device;
    if (!(await confirm(title, text, title))) return;
    await ask("DELETE", device === undefined ? path : `${path}/${part(device)}`);
    tell(t("done_"));
    onChanged();
  };
  return (
    <section>
      <h2>{t("devices")}</h2>
      <Table
        caption={t("devices")}
        columns={[t("device"), t("lastSeen"), t("from"), t("actions")]}
        rows={devices.map((device) => [
          device.device_id,
          <span class="two-lines">
            <span dir="auto">{device.display_name ?? t("noName")}</span>
            <small>{device.device_id}</small>
          </span>,
          device.last_seen_at === undefined ? t("never") : briefly(device.last_seen_at),
          device.last_seen_ip ?? t("unknown"),
          <button type="button" onClick={() => attempt(signOut(device.device_id))}>
            {t("signOutDevice")}
            <span class="hidden"> {device.display_name ?? device.device_id}</span>
          </button>,
        ])}
      />
      {devices.length > 1 && (
        <button type="button" onClick={() => attempt(signOut())}>
          {t("signOutAll")}
        </button>
      )}
    </section>
  );
}

function Quota({ user, onChanged }: DetailsProps) {
  const settings = useLoaded<Settings>("/settings");
  const { media_quota_bytes: own, user_id: userId } = user;
  const save = async (text: string) => {
    const bytes = text === "" ? null : Math.round(Number(text) * MEGABYTE);
    await ask("PUT", `/users/${part(userId)}/quota`, { bytes });
    tell(t("done_"));
    onChanged();
  };
  const common = settings.data === undefined ? "…" : size(settings.data.user_media_bytes);
  return (
    <section>
      <Form class="inline-form" onSubmit={(field) => attempt(save(field("quota")))}>
        <Field
          key={own}
          name="quota"
          type="number"
          min={0}
          label={t("quota")}
          hint={t("quotaHint", { size: common })}
          {...(own !== undefined && { value: String(own / MEGABYTE) })}
        />
        <button>{t("save")}</button>
      </Form>
    </section>
  );
}
