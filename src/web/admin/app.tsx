/**
 * The administrators' page around its screens.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, call } from "../api.js";
import { forgetSession } from "../session.js";
import { Questions } from "../ui/dialog.jsx";
import { chosenTheme, chooseTheme, type Theme } from "../ui/theme.js";
import { attempt, Toasts } from "../ui/toasts.jsx";
import { chooseLanguage, chosenLanguage, type Language } from "../words/words.js";
import { NameQuestions } from "./confirm-name.jsx";
import { ImportScreen } from "./import.jsx";
import { Invitations } from "./invitations.jsx";
import { useLoaded } from "./loading.js";
import { MediaOfUser, MediaUse } from "./media.jsx";
import { Notices } from "./notices.jsx";
import { Overview } from "./overview.jsx";
import { Waiting } from "./parts.jsx";
import { place, to } from "./place.js";
import { Reports } from "./reports.jsx";
import { Retention } from "./retention.jsx";
import { RoomScreen } from "./room.jsx";
import { Rooms } from "./rooms.jsx";
import { session, type Settings } from "./server.js";
import { Sheets } from "./sheets.jsx";
import { UserScreen } from "./user.jsx";
import { Users } from "./users.jsx";
import type { AdminWord } from "../words/admin-en.js";
import { t } from "./words.js";

/** A screen, by the first part of its address. @param item the second part */
const SCREENS: Readonly<Record<string, (item: string | undefined) => ComponentChildren>> = {
  users: (item) =>
    item === undefined ? (
      <Users />
    ) : item === "import" ? (
      <ImportScreen />
    ) : (
      <UserScreen key={item} userId={item} />
    ),
  invitations: () => <Invitations />,
  rooms: (item) => (item === undefined ? <Rooms /> : <RoomScreen key={item} roomId={item} />),
  media: (item) => (item === undefined ? <MediaUse /> : <MediaOfUser key={item} userId={item} />),
  reports: () => <Reports />,
  notices: (item) => <Notices key={item} to={item} />,
  retention: () => <Retention />,
  sheets: () => <Sheets />,
};

const NAVIGATION: readonly (readonly [name: string, title: AdminWord])[] = [
  ["", "overview"],
  ["users", "users"],
  ["invitations", "tokens"],
  ["rooms", "allRooms"],
  ["media", "mediaUse"],
  ["reports", "reports"],
  ["notices", "notices"],
  ["retention", "retention"],
];

/** Nothing else is asked for until the server has said that whoever is signed in is an administrator. */
export function Gate() {
  const settings = useLoaded<Settings>("/settings");
  if (settings.error instanceof ApiError && settings.error.status === 403) return <Refusal />;
  if (settings.data === undefined)
    return (
      <main class="notice">
        <Waiting error={settings.error} onRetry={settings.reload} />
      </main>
    );
  return <App server={settings.data.server_name} />;
}

function Refusal() {
  const user = session.value?.userId ?? "";
  const name = user.slice(1).split(":")[0] ?? "";
  return (
    <main class="notice">
      <h1>{t("notAdmin")}</h1>
      <p dir="auto">{t("notAdminText", { user, name })}</p>
      <p class="buttons">
        <a class="button" href="/">
          {t("toChat")}
        </a>
        <button type="button" onClick={() => attempt(signOut())}>
          {t("otherAccount")}
        </button>
      </p>
      <Toasts />
    </main>
  );
}

function App({ server }: { readonly server: string }) {
  const [name = "", item] = place.value;
  const screen = SCREENS[name]?.(item) ?? <Overview />;
  const navigation = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a phone it is wider than the screen.
    navigation.current
      ?.querySelector("[aria-current]")
      ?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [name]);
  return (
    <div class="admin">
      <a
        class="skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("content")?.focus();
        }}
      >
        {t("skip")}
      </a>
      <header class="admin-head">
        <p class="server">
          <strong dir="auto">{server}</strong> <span class="quiet">{t("administration")}</span>
        </p>
        <Menu />
      </header>
      <nav ref={navigation} aria-label={t("administration")}>
        <ul>
          {NAVIGATION.map(([path, title]) => (
            <li key={path}>
              <a href={path === "" ? "#/" : to(path)} aria-current={isAt(name, path) ? "page" : undefined}>
                {t(title)}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <main id="content" tabIndex={-1}>
        {screen}
      </main>
      <Questions />
      <NameQuestions />
      <Toasts />
    </div>
  );
}

/** What is unknown is the overview. */
const isAt = (name: string, path: string): boolean => (path === "" ? !(name in SCREENS) : name === path);

function Menu() {
  const [isOpen, setOpen] = useState(false);
  return (
    <div class="admin-menu">
      <button
        type="button"
        aria-expanded={isOpen}
        aria-controls="admin-menu"
        onClick={() => setOpen(!isOpen)}
      >
        {session.value?.userId}
      </button>
      <div id="admin-menu" class="stack box" hidden={!isOpen}>
        <a href="/">{t("toChat")}</a>
        <label>
          {t("language")}
          <select
            value={chosenLanguage.value ?? ""}
            onChange={({ currentTarget: { value } }) =>
              chooseLanguage(value === "" ? undefined : (value as Language))
            }
          >
            <option value="">{t("ofDevice")}</option>
            <option value="en" lang="en">
              English
            </option>
            <option value="zh" lang="zh">
              中文
            </option>
          </select>
        </label>
        <label>
          {t("theme")}
          <select
            value={chosenTheme.value ?? ""}
            onChange={({ currentTarget: { value } }) =>
              chooseTheme(value === "" ? undefined : (value as Theme))
            }
          >
            <option value="">{t("ofDevice")}</option>
            <option value="light">{t("light")}</option>
            <option value="dark">{t("dark")}</option>
          </select>
        </label>
        <button type="button" onClick={() => attempt(signOut())}>
          {t("signOut")}
        </button>
      </div>
    </div>
  );
}

/** Ends the session on the server too, and everything that the chat kept of it here. */
async function signOut(): Promise<void> {
  await call("/_matrix/client/v3/logout", { method: "POST", body: {}, token: session.value?.accessToken });
  await forgetSession();
  location.hash = "";
  location.reload();
}
