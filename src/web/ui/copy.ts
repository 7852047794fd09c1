import { t } from "../words/words.js";
import { tell } from "./toasts.jsx";

/** @throws Error where the browser does not let the page */
export async function copy(text: string): Promise<void> {
  if (!("clipboard" in navigator)) throw new Error(t("cannotCopy"));
  await navigator.clipboard.writeText(text);
  tell(t("copied"));
}
