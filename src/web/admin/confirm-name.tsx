/**
 * Before what cannot be undone: the name of what it happens to is typed.
 */
import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { Dialog } from "../ui/dialog.jsx";
import { Check, Field, Form } from "./parts.jsx";
import { t } from "./words.js";

export interface Option {
  readonly name: string;
  readonly label: string;
  readonly isChecked?: boolean;
  /** A line of text in place of yes or no. */
  readonly isText?: boolean;
}

/** What was chosen; undefined when nothing is to happen. */
export type Chosen = ((option: string) => string) | undefined;

interface Question {
  readonly title: string;
  readonly text: string;
  /** What is to be typed. */
  readonly name: string;
  readonly options: readonly Option[];
  readonly answer: (chosen: Chosen) => void;
}

const question = signal<Question | undefined>(undefined);

/** @param title also what the button that goes on says */
export function confirmByName(
  title: string,
  text: string,
  name: string,
  options: readonly Option[] = [],
): Promise<Chosen> {
  return new Promise((resolve) => {
    question.value = {
      ...{ title, text, name, options },
      answer(chosen) {
        question.value = undefined;
        resolve(chosen);
      },
    };
  });
}

/** Where {@link confirmByName} asks: once on a page. */
export function NameQuestions() {
  const asked = question.value;
  return asked === undefined ? null : <Asked key={asked.title} question={asked} />;
}

function Asked({ question: { title, text, name, options, answer } }: { readonly question: Question }) {
  const [typed, setTyped] = useState("");
  return (
    <Dialog title={title} onClose={() => answer(undefined)}>
      <Form onSubmit={(field) => typed.trim() === name && answer(field)}>
        <p dir="auto">{text}</p>
        {options.map((option) =>
          option.isText === true ? (
            <Field key={option.name} name={option.name} label={option.label} hint={t("reasonHint")} />
          ) : (
            <Check key={option.name} {...option} />
          ),
        )}
        <Field name="confirm" label={t("typeToConfirm", { name })} onInput={setTyped} />
        <footer>
          <button type="button" onClick={() => answer(undefined)}>
            {t("cancel")}
          </button>
          <button class="danger" disabled={typed.trim() !== name}>
            {title}
          </button>
        </footer>
      </Form>
    </Dialog>
  );
}
