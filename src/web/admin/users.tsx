/** The accounts: looked for, made, and the way to each. */
import { useState } from "preact/hooks";
import { Dialog } from "../ui/dialog.jsx";
import { attempt, tell } from "../ui/toasts.jsx";
import { day } from "../ui/when.js";
import { showCards } from "./cards.js";
import { usePages, useLoaded } from "./loading.js";
import { Check, Copyable, Field, Form, More, Screen, Table, Tag, Waiting } from "./parts.jsx";
import { makePassword } from "./passwords.js";
import { to } from "./place.js";
import { ask, part, type Settings, type User } from "./server.js";
import { t } from "./words.js";

export function Users() {
  const [search, setSearch] = useState("");
  const [isMaking, setMaking] = useState(false);
  const pages = usePages<User>("/users", "users", search);
  return (
    <Screen
      title={t("users")}
      actions={
        <>
          <button type="button" class="primary" onClick={() => setMaking(true)}>
            {t("newUser")}
          </button>
          <a class="button" href={to("users", "import")}>
            {t("importUsers")}
          </a>
        </>
      }
    >
      <Field name="search" type="search" label={t("findUser")} onInput={setSearch} />
      {pages.items === undefined ? (
        <Waiting error={pages.error} onRetry={pages.reload} />
      ) : (
        <Table
          caption={t("users")}
          columns={[t("account_"), t("state"), t("since")]}
          empty={t("nothingFound")}
          rows={pages.items.map((user) => [
            user.user_id,
            <UserLink user={user} />,
            <Standing user={user} />,
            day(user.created_at),
          ])}
        />
      )}
      <More pages={pages} />
      {isMaking && (
        <NewUser
          onClose={() => {
            setMaking(false);
            pages.reload();
          }}
        />
      )}
    </Screen>
  );
}

const UserLink = ({ user }: { readonly user: User }) => (
  <a href={to("users", user.user_id)} class="two-lines">
    <span dir="auto">{user.display_name ?? user.user_id.slice(1).split(":")[0]}</span>
    <small>{user.user_id}</small>
  </a>
);

const STANDINGS = ["admin", "deactivated", "locked", "suspended"] as const;

export function Standing({ user }: { readonly user: User }) {
  const found = STANDINGS.filter((standing) => user[standing]);
  if (found.length === 0) return <Tag kind="plain">{t("standing_none")}</Tag>;
  return (
    <>
      {found.map((standing) => (
        <Tag key={standing} kind={standing}>
          {t(`standing_${standing}`)}
        </Tag>
      ))}
    </>
  );
}

interface Made {
  readonly userId: string;
  readonly name: string;
  readonly password: string;
  readonly isNew: boolean;
}

function NewUser({ onClose }: { readonly onClose: () => void }) {
  const settings = useLoaded<Settings>("/settings");
  const [made, setMade] = useState<Made>();
  const make = async (field: (name: string) => string) => {
    const name = field("name");
    const password = field("password") || makePassword(settings.data?.password_minimum ?? 0);
    const displayName = field("displayName");
    const { user_id: userId, outcome } = await ask<{ user_id: string; outcome: string }>(
      "PUT",
      `/users/${part(name)}`,
      {
        password,
        admin: field("admin") !== "",
        ...(displayName !== "" && { display_name: displayName }),
      },
    );
    setMade({ userId, name: displayName || name, password, isNew: outcome === "created" });
    tell(t(outcome === "created" ? "created" : "existed", { user: userId }));
  };
  return (
    <Dialog title={t("newUser")} onClose={onClose}>
      {made === undefined ? (
        <Form onSubmit={(field) => attempt(make(field))}>
          <Field name="name" label={t("accountName")} hint={t("accountNameHint")} isRequired />
          <Field name="displayName" label={t("displayName")} hint={t("displayNameHint")} />
          <Field name="password" label={t("password")} hint={t("passwordHint")} />
          <Check name="admin" label={t("isAdmin")} />
          <footer>
            <button class="primary">{t("createAccount")}</button>
          </footer>
        </Form>
      ) : (
        <div class="stack">
          <p>{t(made.isNew ? "created" : "existed", { user: made.userId })}</p>
          <Copyable label={t("passwordOf", { user: made.userId })} text={made.password} />
          <p class="quiet">{t("shownOnce")}</p>
          <footer>
            <button type="button" onClick={() => showCards([{ kind: "account", ...made }])}>
              {t("printSheets")}
            </button>
            <button type="button" class="primary" onClick={onClose}>
              {t("done")}
            </button>
          </footer>
        </div>
      )}
    </Dialog>
  );
}
