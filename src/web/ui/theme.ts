/**
 * Light or dark: as the device has it, or as it was chosen.
 */
import { signal } from "@preact/signals";

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

/** Puts it where the style sheet looks; a component that calls it is drawn anew when it changes. */
export function useTheme(): void {
  const { dataset } = document.documentElement;
  if (chosenTheme.value === undefined) delete dataset["theme"];
  else dataset["theme"] = chosenTheme.value;
}
