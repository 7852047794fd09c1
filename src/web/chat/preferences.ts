/**
 * What this browser is to do, and not the account on every device.
 */
import { effect, signal, type Signal } from "@preact/signals";

function kept(name: string, otherwise: boolean): Signal<boolean> {
  const key = `imcloud.${name}`;
  const stored = localStorage.getItem(key);
  const preference = signal(stored === null ? otherwise : stored === "yes");
  let isFirst = true;
  effect(() => {
    const text = preference.value ? "yes" : "no";
    if (!isFirst) localStorage.setItem(key, text);
    isFirst = false;
  });
  return preference;
}

export const preferences = {
  /** A tone for what arrives. */
  sound: kept("sound", true),
  /** A notification of the system's; the browser asks before the first. */
  notifications: kept("notifications", false),
};
