/**
 * Starting a chat: with one person, or a room of some kind.
 */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { go } from "../route.js";
import { Avatar } from "../ui/avatar.jsx";
import { attempt } from "../ui/toasts.jsx";
import { t } from "../words/words.js";
import { useChat } from "./context.js";
import { createRoom, openDirect, TEMPLATES, type Template } from "./creating.js";
import { PublicRooms } from "./public-rooms.jsx";
import { Header } from "./view-header.jsx";
import { field } from "../ui/field.js";

export function NewRoom() {
  return (
    <main class="view page">
      <Header title={t("newChat")} />
      <div class="scroll">
        <People />
        <Room />
        <PublicRooms />
      </div>
    </main>
  );
}

interface Person {
  readonly user_id: string;
  readonly display_name?: string;
  readonly avatar_url?: string;
}

/** After the last key before the directory is asked, in milliseconds. */
const PAUSE_MS = 250;

function People() {
  const { client, encryption } = useChat();
  const wanted = useSignal("");
  const found = useSignal<readonly Person[]>([]);
  useEffect(() => {
    const term = wanted.value.trim();
    if (term === "") {
      found.value = [];
      return undefined;
    }
    let isWanted = true;
    const timer = setTimeout(
      () =>
        attempt(
          client.searchUserDirectory({ term, limit: 20 }).then(({ results }) => {
            if (isWanted) found.value = results;
          }),
        ),
      PAUSE_MS,
    );
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [wanted.value]);
  const open = (userId: string) =>
    attempt(
      openDirect(client, userId, encryption.state.value === "ready").then((roomId) => go("room", roomId)),
    );
  return (
    <section>
      <h2>{t("chatWith")}</h2>
      <input
        type="search"
        aria-label={t("findPerson")}
        placeholder={t("findPerson")}
        onInput={(event) => (wanted.value = event.currentTarget.value)}
      />
      <ul class="people">
        {found.value
          .filter(({ user_id }) => user_id !== client.getUserId())
          .map(({ user_id, display_name, avatar_url }) => (
            <li key={user_id}>
              <button type="button" onClick={() => open(user_id)}>
                <Avatar name={display_name ?? user_id} id={user_id} mxc={avatar_url} size={36} />
                <span dir="auto">{display_name ?? user_id}</span>
                <small>{user_id}</small>
              </button>
            </li>
          ))}
      </ul>
    </section>
  );
}

function Room() {
  const { client, encryption } = useChat();
  const kind = useSignal<Template>("group");
  const isBusy = useSignal(false);
  const submit = (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault();
    const form = event.currentTarget;
    const create = createRoom(client, {
      name: field(form, "name").trim(),
      template: kind.value,
      isEncrypted: field(form, "encrypted") === "on" && encryption.state.value === "ready",
    });
    isBusy.value = true;
    attempt(create.then((roomId) => go("room", roomId)).finally(() => (isBusy.value = false)));
  };
  return (
    <section>
      <h2>{t("newRoom")}</h2>
      <form onSubmit={submit}>
        <label>
          {t("nameOfRoom")}
          <input name="name" required dir="auto" autocomplete="off" maxLength={255} />
        </label>
        <fieldset>
          <legend>{t("kindOfRoom")}</legend>
          {TEMPLATES.map((template) => (
            <label key={template} class="choice">
              <input
                type="radio"
                name="template"
                checked={kind.value === template}
                onChange={() => (kind.value = template)}
              />
              <span>
                <strong>{t(`template_${template}`)}</strong>
                <small>{t(`template_${template}_hint`)}</small>
              </span>
            </label>
          ))}
        </fieldset>
        {kind.value === "group" && encryption.state.value === "ready" && (
          <label class="choice">
            <input type="checkbox" name="encrypted" defaultChecked />
            <span>{t("encrypted")}</span>
          </label>
        )}
        <button class="primary" disabled={isBusy.value}>
          {t("create")}
        </button>
      </form>
    </section>
  );
}
