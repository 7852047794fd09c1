/**
 * Dialogs, on the browser's own element: it keeps the focus within, closes with Escape, and gives the focus back.
 */
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../words/words.js";
import { IconButton } from "./icons.jsx";
import { field } from "./field.js";

export interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  readonly class?: string;
  /** Only what is within closes it: not Escape, not a click beside it. */
  readonly isFirm?: boolean;
}

export function Dialog({ title, onClose, children, class: style = "", isFirm = false }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  // Before anything else happens: a key pressed the moment after belongs to it already.
  useLayoutEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    // One that is taken away, and not closed, does not give the focus back by itself.
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={style}
      aria-labelledby={id}
      onClose={onClose}
      onCancel={(event) => isFirm && event.preventDefault()}
      onClick={(event) => !isFirm && event.target === dialog.current && dialog.current?.close()}
    >
      <header>
        <h2 id={id}>{title}</h2>
        {!isFirm && <IconButton icon="close" label={t("close")} onClick={() => dialog.current?.close()} />}
      </header>
      {children}
    </dialog>
  );
}

interface Question {
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly isDangerous: boolean;
  readonly answer: (isYes: boolean) => void;
}

const question = signal<Question | undefined>(undefined);

/** @param action what the button that goes on says */
export function confirm(title: string, text: string, action: string, isDangerous = true): Promise<boolean> {
  return new Promise((resolve) => {
    question.value = {
      ...{ title, text, action, isDangerous },
      answer(isYes) {
        question.value = undefined;
        resolve(isYes);
      },
    };
  });
}

interface PasswordQuestion {
  readonly title: string;
  readonly text: string;
  readonly answer: (password: string | undefined) => void;
}

const passwordQuestion = signal<PasswordQuestion | undefined>(undefined);

/** @param title what is about to be done, which the button says too. @returns undefined when it is not to be done */
export function askPassword(title: string, text: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    passwordQuestion.value = {
      ...{ title, text },
      answer(password) {
        passwordQuestion.value = undefined;
        resolve(password);
      },
    };
  });
}

/** Where `confirm` and `askPassword` ask: once on a page. */
export function Questions() {
  return (
    <>
      <YesOrNo />
      <Password />
    </>
  );
}

function Password() {
  const asked = passwordQuestion.value;
  if (asked === undefined) return null;
  return (
    <Dialog title={asked.title} onClose={() => asked.answer(undefined)}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          asked.answer(field(event.currentTarget, "password"));
        }}
      >
        <p dir="auto">{asked.text}</p>
        <label>
          {t("password")}
          <input name="password" type="password" required autocomplete="current-password" />
        </label>
        <footer>
          <button type="button" onClick={() => asked.answer(undefined)}>
            {t("cancel")}
          </button>
          <button class="danger">{asked.title}</button>
        </footer>
      </form>
    </Dialog>
  );
}

function YesOrNo() {
  const asked = question.value;
  if (asked === undefined) return null;
  return (
    <Dialog title={asked.title} onClose={() => asked.answer(false)}>
      <p dir="auto">{asked.text}</p>
      <footer>
        <button type="button" onClick={() => asked.answer(false)}>
          {t("cancel")}
        </button>
        <button
          type="button"
          class={asked.isDangerous ? "danger" : "primary"}
          onClick={() => asked.answer(true)}
        >
          {asked.action}
        </button>
      </footer>
    </Dialog>
  );
}
