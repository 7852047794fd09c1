/**
 * Light or dark: as the device has it, or as it was chosen.
 */
import { signal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import { language } from "../words/words.js";

export type Theme = "light" | "dark";

const KEY = "imcloud.theme";

/** Undefined for the device's own. */
export const chosenTheme = signal(storedTheme());

function storedTheme(): Theme | undefined {
  const stored = localStorage.getItem(KEY);
  return stored === "light" || stored === "dark" ? stored : undefined;
}

export function chooseTheme(theme: Theme | undefined): void {
  if (theme === undefined) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, theme);
  chosenTheme.value = theme;
}

/**
 * Puts theme and language where the style sheet and the browser look; a component that calls it is drawn anew when they
 * change. Only then: putting there what is there already has the whole page styled and laid out again.
 */
export function usePageLook(): void {
  const { documentElement } = document;
  const { value: theme } = chosenTheme;
  const { value: lang } = language;
  useLayoutEffect(() => {
    if (theme === undefined) delete documentElement.dataset["theme"];
    else documentElement.dataset["theme"] = theme;
  }, [theme]);
  useLayoutEffect(() => {
    documentElement.lang = lang;
  }, [lang]);
}
