/**
 * The service worker, where the browser allows one: it wants a certificate that the device itself trusts.
 */
import { trustedUrl } from "./ui/trusted.js";

/** @returns undefined where there can be none; the page works without, but not without a network */
export async function registerWorker(): Promise<ServiceWorkerRegistration | undefined> {
  if (!("serviceWorker" in navigator)) return undefined;
  try {
    return await navigator.serviceWorker.register(trustedUrl("/service-worker.js"), { scope: "/" });
  } catch (error) {
    console.info("no service worker: the device does not trust this server's certificate", error);
    return undefined;
  }
}
