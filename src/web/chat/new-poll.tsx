import { useSignal } from "@preact/signals";
import type { Room } from "matrix-js-sdk";
import { Dialog } from "../ui/dialog.jsx";
import { attempt } from "../ui/toasts.jsx";
import { t } from "../words/words.js";
import { useChat } from "./context.js";
import { startPoll } from "./polls.js";
import { field } from "../ui/field.js";

export interface NewPollProps {
  readonly room: Room;
  readonly threadId: string | null;
  readonly onClose: () => void;
}

/** The most that the form offers. */
const MOST_ANSWERS = 10;

export function NewPoll({ room, threadId, onClose }: NewPollProps) {
  const { client } = useChat();
  const answers = useSignal(["", ""]);
  const submit = (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault();
    const question = field(event.currentTarget, "question").trim();
    const given = answers.value.map((answer) => answer.trim()).filter((answer) => answer !== "");
    const isChecked = (name: string) => new FormData(event.currentTarget).has(name);
    const terms = { most: isChecked("several") ? given.length : 1, isDisclosed: !isChecked("hidden") };
    onClose();
    attempt(startPoll(client, room, threadId, question, given, terms));
  };
  return (
    <Dialog title={t("newPoll")} onClose={onClose}>
      <form onSubmit={submit}>
        <label>
          {t("question")}
          <input name="question" required dir="auto" autocomplete="off" />
        </label>
        {answers.value.map((answer, index) => (
          <label key={index}>
            {t("answer", { n: index + 1 })}
            <input
              required={index < 2}
              dir="auto"
              autocomplete="off"
              value={answer}
              onInput={({ currentTarget: { value } }) =>
                (answers.value = answers.value.map((it, at) => (at === index ? value : it)))
              }
            />
          </label>
        ))}
        <label class="choice">
          <input type="checkbox" name="several" />
          <span>{t("pollSeveral")}</span>
        </label>
        <label class="choice">
          <input type="checkbox" name="hidden" />
          <span>{t("pollAtEnd")}</span>
        </label>
        <footer>
          {answers.value.length < MOST_ANSWERS && (
            <button type="button" onClick={() => (answers.value = [...answers.value, ""])}>
              {t("oneMoreAnswer")}
            </button>
          )}
          <button class="primary">{t("send")}</button>
        </footer>
      </form>
    </Dialog>
  );
}
