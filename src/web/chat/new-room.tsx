/**
 * Starting a chat: with one person, or a room of some kind.
 */
import { useSignal } from "@preact/signals";
import { go } from "../route.js";
import { attempt } from "../ui/toasts.jsx";
import { t } from "../words/words.js";
import { useChat } from "./context.js";
import { createRoom, openDirect, TEMPLATES, type Template } from "./creating.js";
import { PeopleFinder } from "./people-finder.jsx";
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

function People() {
  const { client, encryption } = useChat();
  const open = (userId: string) =>
    attempt(
      openDirect(client, userId, encryption.state.value === "ready").then((roomId) => go("room", roomId)),
    );
  return (
    <section>
      <h2>{t("chatWith")}</h2>
      <PeopleFinder label={t("findPerson")} onChoose={open} />
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
