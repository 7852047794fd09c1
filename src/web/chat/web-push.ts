/**
 * What the server pushes while no page is open: by Web Push, from the server itself, without anybody between but the
 * browser's maker. It needs a service worker, and so a certificate that the device itself trusts.
 * Sources: Push API (W3C); MSC4174.
 */
import { Method, type MatrixClient } from "matrix-js-sdk";

/**
 * `waiting`: the server has sent a first push, and waits for this browser to say that it came. `untrusted`: no service worker; `unsupported`: the browser, or the server, does not do it; `denied`: the user
 * said no.
 */
export type PushState = "unknown" | "on" | "off" | "waiting" | "denied" | "untrusted" | "unsupported";

const APP = "imcloud.web";
const CAPABILITY = "org.matrix.msc4174.webpush";

interface WebPushCapability {
  readonly enabled?: boolean;
  readonly vapid?: string;
}

/**
 * @param worker undefined where there is none
 * @returns `on` only once a push of the server's has arrived here
 */
export async function pushState(
  client: MatrixClient,
  worker: ServiceWorkerRegistration | undefined,
): Promise<PushState> {
  if (worker === undefined) return "untrusted";
  if (!("pushManager" in worker) || (await vapidKey(client)) === undefined) return "unsupported";
  if (Notification.permission === "denied") return "denied";
  const key = keyOf(await worker.pushManager.getSubscription());
  const { pushers } = await client.getPushers();
  const own = pushers.find(({ app_id, pushkey }) => app_id === APP && pushkey === key);
  if (own === undefined) return "off";
  return (own.data as { activated?: boolean }).activated === false ? "waiting" : "on";
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
  try {
    await client.setPusher({
      kind: "webpush",
      app_id: APP,
      app_display_name: "imcloud",
      device_display_name: navigator.platform,
      pushkey: keyOf(subscription),
      lang: navigator.language,
      data: { url: subscription.endpoint, auth: subscription.toJSON().keys?.["auth"] ?? "" },
      append: true,
    } as never);
  } catch (error) {
    await subscription.unsubscribe();
    throw error;
  }
  return pushState(client, worker);
}

/** @throws MatrixError */
export async function stopPush(client: MatrixClient, worker: ServiceWorkerRegistration): Promise<PushState> {
  const subscription = await worker.pushManager.getSubscription();
  if (subscription === null) return "off";
  await client.removePusher(keyOf(subscription), APP);
  await subscription.unsubscribe();
  return "off";
}

interface Arrival {
  readonly kind?: string;
  readonly ack_token?: string;
}

/**
 * Answers the server when it asks whether its pushes arrive: it sends none before.
 *
 * @param onChange called when it knows that they do
 * @returns how to listen no more
 */
export function answerPushes(client: MatrixClient, onChange: () => void): () => void {
  if (!("serviceWorker" in navigator)) return () => undefined;
  const listen = ({ data }: MessageEvent<Arrival>) => {
    if (data.kind !== "push-arrives" || data.ack_token === undefined) return;
    client.http
      .authedRequest(Method.Post, "/pushers/ack", undefined, { app_id: APP, ack_token: data.ack_token })
      .then(onChange, (error: unknown) =>
        console.warn("the server was not told that its pushes arrive", error),
      );
  };
  navigator.serviceWorker.addEventListener("message", listen);
  return () => navigator.serviceWorker.removeEventListener("message", listen);
}

const keyOf = (subscription: PushSubscription | null): string =>
  subscription?.toJSON().keys?.["p256dh"] ?? "";

/** The server's public key for Web Push; undefined where it does none. */
async function vapidKey(client: MatrixClient): Promise<string | undefined> {
  const capabilities = (await client.getCapabilities()) as Record<string, unknown>;
  const { enabled, vapid } = (capabilities[CAPABILITY] ??
    capabilities["m.webpush"] ??
    {}) as WebPushCapability;
  return enabled === false ? undefined : vapid;
}
