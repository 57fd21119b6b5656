// The service worker, and what the browser lets this page do with it.

import type { Shown } from "./notice";

/** Where this page stands with the browser's notifications. */
export type Standing = "insecure" | "unsupported" | "denied" | "default" | "granted";

export function standing(): Standing {
  if (!isSecureContext) return "insecure";
  if (!("Notification" in window) || !("serviceWorker" in navigator)) return "unsupported";
  return Notification.permission;
}

/** Ask for leave; must be called from a click. */
export async function askLeave(): Promise<Standing> {
  if (standing() === "default") await Notification.requestPermission();
  return standing();
}

/** The worker that speaks this language, started if it is not. */
export async function worker(language: string): Promise<ServiceWorkerRegistration> {
  // Another address is another worker for the browser: so it learns the language.
  await navigator.serviceWorker.register(`/sw.js?language=${language}`);
  return navigator.serviceWorker.ready;
}

/** Show a notification from this page: nothing of it leaves the device. */
export async function show(shown: Shown, language: string): Promise<void> {
  if (standing() !== "granted") return;
  const { title, body, tag, path, vibrate, stays } = shown;
  // TypeScript's options lack what Chromium and Firefox know.
  const options: NotificationOptions & { vibrate: number[] } = {
    body,
    tag,
    vibrate,
    requireInteraction: stays,
    icon: "/icon.svg",
    data: { path },
  };
  await (await worker(language)).showNotification(title, options);
}

/** Hear of notifications that somebody clicked while this page was open. */
export function opened(go: (path: string) => void): () => void {
  if (!("serviceWorker" in navigator)) return () => undefined;
  const heard = (event: MessageEvent<{ type?: string; path?: string }>): void => {
    if (event.data.type === "open" && event.data.path?.startsWith("/")) go(event.data.path);
  };
  navigator.serviceWorker.addEventListener("message", heard);
  return () => navigator.serviceWorker.removeEventListener("message", heard);
}

export type BrowserSubscription = { endpoint: string; p256dh: string; auth: string };

/** This browser's push subscription; null when it has none. */
export async function subscription(): Promise<PushSubscription | null> {
  if (standing() !== "granted" || !("PushManager" in window)) return null;
  const registration = await navigator.serviceWorker.getRegistration();
  return (await registration?.pushManager.getSubscription()) ?? null;
}

/** Subscribe this browser at its maker's push service, for pushes of the server with this key. */
export async function subscribe(key: string, language: string): Promise<BrowserSubscription> {
  const { pushManager } = await worker(language);
  const wanted = { userVisibleOnly: true, applicationServerKey: key };
  const made = await pushManager.subscribe(wanted).catch(async (error: unknown) => {
    const old = await pushManager.getSubscription();
    if (!old) throw error;
    // It was made for another key: the console's key file has been replaced.
    await old.unsubscribe();
    return pushManager.subscribe(wanted);
  });
  const { endpoint = "", keys = {} } = made.toJSON();
  return { endpoint, p256dh: keys["p256dh"] ?? "", auth: keys["auth"] ?? "" };
}
