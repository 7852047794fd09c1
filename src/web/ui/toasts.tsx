/**
 * Short messages that go by themselves: what was done, and what went wrong.
 */
import { signal } from "@preact/signals";
import { t } from "../words/words.js";

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly isTrouble: boolean;
}

/** How long one stays, in milliseconds. */
const STAY_MS = 6_000;

const toasts = signal<readonly Toast[]>([]);
let count = 0;

export function tell(text: string, isTrouble = false): void {
  const id = (count += 1);
  toasts.value = [...toasts.value, { id, text, isTrouble }];
  setTimeout(() => (toasts.value = toasts.value.filter((toast) => toast.id !== id)), STAY_MS);
}

/** For what somebody asked for: when it fails, they are told why. */
export function attempt(work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    console.warn(error);
    tell(explain(error), true);
  });
}

interface Refusal {
  readonly name?: string;
  readonly errcode?: string;
  readonly data?: { readonly error?: string; readonly retry_after_ms?: number };
}

/** What a library's error says to programs, in words for people. */
function explain(error: unknown): string {
  const { name, errcode, data } = error instanceof Error ? (error as Refusal) : {};
  if (name === "ConnectionError") return t("noAnswer");
  switch (errcode) {
    case "M_FORBIDDEN":
      return t("forbidden");
    case "M_TOO_LARGE":
      return t("tooLarge");
    case "M_LIMIT_EXCEEDED":
      return t("tooMany", { seconds: Math.ceil((data?.retry_after_ms ?? 1_000) / 1_000) });
    default: {
      const reason = data?.error ?? (error instanceof Error ? error.message : String(error));
      return t("failed", { reason });
    }
  }
}

/** Where they are shown: once on a page. */
export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, isTrouble }) => (
        <p key={id} class={isTrouble ? "trouble" : ""} dir="auto">
          {text}
        </p>
      ))}
    </div>
  );
}
