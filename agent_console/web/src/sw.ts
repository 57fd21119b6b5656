// The service worker: shows pushes, and leads a click to what it is about. It keeps nothing and
// answers no request of the page.

import { factsOf, shownOf, type Shown } from "./lib/notice";

declare const self: ServiceWorkerGlobalScope;

const LANGUAGE = new URL(self.location.href).searchParams.get("language") === "en" ? "en" : "zh";

self.addEventListener("install", (event) => event.waitUntil(self.skipWaiting()));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  event.waitUntil(show(shownOf(factsOf(event.data?.text() ?? ""), LANGUAGE)));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { path } = (event.notification.data ?? { path: "/" }) as { path: string };
  event.waitUntil(lead(path));
});

// A browser that renews its subscription by itself is told to the server again.
self.addEventListener("pushsubscriptionchange", (event) => {
  (event as ExtendableEvent).waitUntil(renew(event as PushSubscriptionChangeEvent));
});

async function show(shown: Shown): Promise<void> {
  const { title, body, tag, path, vibrate, stays } = shown;
  // An open page may have shown the same a moment ago: it is not to be felt twice.
  const same = (await self.registration.getNotifications({ tag })).some((n) => n.title === title);
  // TypeScript's options lack what Chromium and Firefox know.
  const options: NotificationOptions & { renotify: boolean; vibrate: number[] } = {
    body,
    tag,
    renotify: !same,
    requireInteraction: stays,
    vibrate,
    icon: "/icon.svg",
    lang: LANGUAGE === "zh" ? "zh-CN" : "en",
    data: { path },
  };
  return self.registration.showNotification(title, options);
}

/** Bring a window of ours to the front, or open one. */
async function lead(path: string): Promise<void> {
  const windows = await self.clients.matchAll({ type: "window" });
  const known = windows.find((one) => one.visibilityState === "visible") ?? windows[0];
  if (!known) {
    await self.clients.openWindow(path);
    return;
  }
  known.postMessage({ type: "open", path });
  await known.focus().catch(() => undefined); // not every browser lets us
}

async function renew(event: PushSubscriptionChangeEvent): Promise<void> {
  const options = event.oldSubscription?.options;
  const renewed =
    event.newSubscription ??
    (options && (await self.registration.pushManager.subscribe(options).catch(() => null)));
  const { endpoint, keys } = renewed?.toJSON() ?? {};
  if (!endpoint || !keys) return;
  await fetch("/api/v1/me/notifications/browser", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ subscription: { endpoint, ...keys } }),
  });
}
