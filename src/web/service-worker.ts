/**
 * Keeps the page itself for when there is no network, and shows what the server pushes while no page is open.
 * Sources: Service Workers, Push API (W3C); MSC4174 for what a push holds.
 */
declare const self: ServiceWorkerGlobalScope;
/** The addresses of this version's files: the build puts them in. */
declare const ASSETS: readonly string[];
/** Those that are kept only once they were asked for. */
declare const LARGE_ASSETS: readonly string[];

const CACHE = "imcloud.page";
/** Time for the server to send a newer page before the kept one is shown, in milliseconds. */
const PATIENCE_MS = 3_000;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(["/", "/manifest.webmanifest", ...ASSETS]))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(tidy().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== self.location.origin) return;
  if (pathname.startsWith("/assets/")) event.respondWith(kept(event.request));
  else if (pathname === "/") event.respondWith(newest(event.request));
});

/** Files of older versions. */
async function tidy(): Promise<void> {
  const cache = await caches.open(CACHE);
  const current = new Set([...ASSETS, ...LARGE_ASSETS]);
  for (const request of await cache.keys()) {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/assets/") && !current.has(pathname)) await cache.delete(request);
  }
}

/** What has the hash of its content in its name. */
async function kept(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const found = await cache.match(request);
  if (found !== undefined) return found;
  const response = await fetch(request);
  if (response.ok) await cache.put(request, response.clone());
  return response;
}

/** The server's, if it has one in time. */
async function newest(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), PATIENCE_MS);
  try {
    const response = await fetch(request, { signal: giveUp.signal });
    if (response.ok) await cache.put("/", response.clone());
    return response;
  } catch (error) {
    const found = await cache.match("/");
    if (found !== undefined) return found;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

interface Pushed {
  readonly app_id?: string;
  /** The server asks whether the push arrives; a page answers. */
  readonly ack_token?: string;
  readonly room_id?: string;
  readonly room_name?: string;
  readonly sender_display_name?: string;
  readonly content?: { readonly body?: string };
  readonly unread?: number;
}

self.addEventListener("push", (event) => {
  event.waitUntil(show((event.data?.json() ?? {}) as Pushed));
});

async function show(pushed: Pushed): Promise<void> {
  const { ack_token, room_id, room_name, sender_display_name, content, unread } = pushed;
  const windows = await chats();
  if (ack_token !== undefined) {
    for (const page of windows) page.postMessage({ kind: "push-arrives", ...pushed });
    return;
  }
  if (room_id === undefined) {
    // Everything was read elsewhere.
    if (unread === 0) for (const shown of await self.registration.getNotifications()) shown.close();
    return;
  }
  // A page that is open tells of it by itself.
  if (windows.some(({ focused }) => focused)) return;
  await self.registration.showNotification(room_name ?? sender_display_name ?? "imcloud", {
    body: [sender_display_name, content?.body].filter((part) => part !== undefined).join(": "),
    tag: room_id,
    data: { room: room_id },
  });
}

/** Windows with the chat in them. */
async function chats(): Promise<readonly WindowClient[]> {
  const windows = await self.clients.matchAll({ type: "window" });
  return windows.filter(({ url }) => new URL(url).pathname === "/");
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { room } = event.notification.data as { room: string };
  event.waitUntil(open(`/#/room/${encodeURIComponent(room)}`));
});

async function open(address: string): Promise<void> {
  const [page] = await chats();
  if (page === undefined) return void (await self.clients.openWindow(address));
  await page.focus();
  await page.navigate(address);
}

export {};
