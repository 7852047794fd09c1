/**
 * What the server pushes while no page is open: by Web Push, from the server itself, without anybody between but the
 * browser's maker. It needs a service worker, and so a certificate that the device itself trusts.
 * Sources: Push API (W3C); MSC4174.
 */
import type { MatrixClient } from "matrix-js-sdk";

/** `untrusted`: no service worker; `unsupported`: the browser, or the server, does not do it; `denied`: the user said no. */
export type PushState = "unknown" | "on" | "off" | "denied" | "untrusted" | "unsupported";

const APP = "imcloud.web";
const CAPABILITY = "org.matrix.msc4174.webpush";

interface WebPushCapability {
  readonly enabled?: boolean;
  readonly vapid?: string;
}

/** @param worker undefined where there is none */
export async function pushState(
  client: MatrixClient,
  worker: ServiceWorkerRegistration | undefined,
): Promise<PushState> {
  if (worker === undefined) return "untrusted";
  if (!("pushManager" in worker) || (await vapidKey(client)) === undefined) return "unsupported";
  if (Notification.permission === "denied") return "denied";
  return (await worker.pushManager.getSubscription()) === null ? "off" : "on";
}

/** @throws DOMException when the browser cannot reach its maker; MatrixError */
export async function startPush(client: MatrixClient, worker: ServiceWorkerRegistration): Promise<PushState> {
  if ((await Notification.requestPermission()) !== "granted") return "denied";
  const key = await vapidKey(client);
  if (key === undefined) return "unsupported";
  const subscription = await worker.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: key,
  });
  const { keys = {} } = subscription.toJSON();
  await client.setPusher({
    kind: "webpush",
    app_id: APP,
    app_display_name: "imcloud",
    device_display_name: navigator.platform,
    pushkey: keys["p256dh"] ?? "",
    lang: navigator.language,
    data: { url: subscription.endpoint, auth: keys["auth"] ?? "" },
    append: true,
  } as never);
  return "on";
}

/** @throws MatrixError */
export async function stopPush(client: MatrixClient, worker: ServiceWorkerRegistration): Promise<PushState> {
  const subscription = await worker.pushManager.getSubscription();
  if (subscription === null) return "off";
  const key = subscription.toJSON().keys?.["p256dh"] ?? "";
  await client.removePusher(key, APP);
  await subscription.unsubscribe();
  return "off";
}

/** The server's public key for Web Push; undefined where it does none. */
async function vapidKey(client: MatrixClient): Promise<string | undefined> {
  const capabilities = (await client.getCapabilities()) as Record<string, unknown>;
  const { enabled, vapid } = (capabilities[CAPABILITY] ??
    capabilities["m.webpush"] ??
    {}) as WebPushCapability;
  return enabled === false ? undefined : vapid;
}
