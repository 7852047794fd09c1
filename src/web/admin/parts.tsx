/**
 * What every screen is made of.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { ApiError, OfflineError } from "../api.js";
import { Icon, IconButton } from "../ui/icons.jsx";
import { copy } from "../ui/copy.js";
import { attempt } from "../ui/toasts.jsx";
import { t } from "./words.js";

export interface ScreenProps {
  readonly title: string;
  /** The screen above this one. */
  readonly back?: { readonly href: string; readonly label: string };
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** Whoever goes from one screen to another finds the focus on its heading. */
let isFirst = true;

export function Screen({ title, back, actions, children }: ScreenProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} – imcloud`;
    if (!isFirst) heading.current?.focus();
    isFirst = false;
  }, [title]);
  return (
    <article class="screen">
      {back !== undefined && (
        <a class="back-link" href={back.href}>
          <Icon name="back" />
          {back.label}
        </a>
      )}
      <header>
        <h1 ref={heading} tabIndex={-1} dir="auto">
          {title}
        </h1>
        {actions !== undefined && <div class="actions-bar">{actions}</div>}
      </header>
      {children}
    </article>
  );
}

/** @returns what went wrong, for people */
export function troubleOf(error: unknown): string {
  if (error instanceof OfflineError) return t("noAnswer");
  return error instanceof ApiError ? error.message : String(error);
}

export interface WaitingProps {
  readonly error: unknown;
  readonly onRetry: () => void;
}

/** In the place of what is not there yet, or could not be had. */
export function Waiting({ error, onRetry }: WaitingProps) {
  if (error === undefined) return <p class="quiet">{t("loadingLong")}</p>;
  return (
    <div role="alert" class="box">
      <p class="trouble">{troubleOf(error)}</p>
      <button type="button" onClick={onRetry}>
        {t("tryAgain")}
      </button>
    </div>
  );
}

export interface FieldProps {
  readonly label: string;
  readonly name: string;
  readonly hint?: string;
  readonly type?: "text" | "number" | "date" | "search";
  readonly value?: string;
  readonly min?: number;
  readonly max?: number;
  readonly isRequired?: boolean;
  readonly onInput?: (value: string) => void;
}

/** The cast: Preact types each kind of input apart, and these differ in nothing that is used here. */
export function Field({
  label,
  name,
  hint,
  type = "text",
  value,
  min,
  max,
  isRequired,
  onInput,
}: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...{ id, name, min, max }}
        {...({ type } as { type: "text" })}
        required={isRequired ?? false}
        {...(value !== undefined && { defaultValue: value })}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        {...(onInput !== undefined && { onInput: (event) => onInput(event.currentTarget.value) })}
      />
      {hint !== undefined && <small id={`${id}-hint`}>{hint}</small>}
    </div>
  );
}

export interface CheckProps {
  readonly label: string;
  readonly name: string;
  readonly isChecked?: boolean;
}

export const Check = ({ label, name, isChecked = false }: CheckProps) => (
  <label class="choice">
    <input type="checkbox" name={name} defaultChecked={isChecked} />
    {label}
  </label>
);

export interface FormProps {
  readonly onSubmit: (field: (name: string) => string, form: HTMLFormElement) => void;
  readonly class?: string;
  readonly label?: string;
  readonly children: ComponentChildren;
}

/** @returns a field's text; empty where it is no text, or is not there */
export function textIn(data: FormData, name: string): string {
  const value = data.get(name);
  return typeof value === "string" ? value : "";
}

/** Its fields' values come trimmed; what is not there is empty. */
export const Form = ({ onSubmit, children, class: style, label }: FormProps) => (
  <form
    class={style}
    aria-label={label}
    onSubmit={(event) => {
      event.preventDefault();
      const form = event.currentTarget;
      const data = new FormData(form);
      onSubmit((name) => textIn(data, name).trim(), form);
    }}
  >
    {children}
  </form>
);

export interface TableProps {
  readonly caption: string;
  readonly columns: readonly string[];
  /** Each with its key; the first cell is the row's heading. */
  readonly rows: readonly (readonly [key: string, ...cells: ComponentChildren[]])[];
  readonly empty?: string;
}

export function Table({ caption, columns, rows, empty }: TableProps) {
  if (rows.length === 0) return <p class="quiet">{empty ?? t("nothing")}</p>;
  return (
    <div class="table-frame" role="region" aria-label={caption} tabIndex={0}>
      <table>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([key, first, ...cells]) => (
            <tr key={key}>
              <th scope="row">{first}</th>
              {cells.map((cell, index) => (
                <td key={index}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export const More = ({ pages }: { readonly pages: { readonly hasMore: boolean; more(): void } }) =>
  pages.hasMore ? (
    <button type="button" onClick={() => pages.more()}>
      {t("moreRows")}
    </button>
  ) : null;

export interface CopyableProps {
  readonly label: string;
  readonly text: string;
}

/** Something to copy; where the browser has no clipboard for the page, it is selected to be copied by hand. */
export function Copyable({ label, text }: CopyableProps) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const onCopy = () => {
    input.current?.select();
    attempt(copy(text));
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <span class="copyable">
        <input ref={input} id={id} class="code" value={text} readOnly />
        <IconButton icon="copy" label={t("copyIt", { what: label })} onClick={onCopy} />
      </span>
    </div>
  );
}

/** Names and values. */
export const Facts = ({ facts }: { readonly facts: readonly (readonly [string, ComponentChildren])[] }) => (
  <dl class="facts">
    {facts.map(([name, value]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd dir="auto">{value}</dd>
      </div>
    ))}
  </dl>
);

export const Tag = ({ kind, children }: { readonly kind: string; readonly children: ComponentChildren }) => (
  <span class={`tag is-${kind}`}>{children}</span>
);
