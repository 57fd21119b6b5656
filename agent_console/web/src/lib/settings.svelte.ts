// Language, theme, sound and notifications of this browser, as the components see them.

import { agentLabel } from "./format";
import { translate, translateValue, type Key } from "./i18n";
import { loadPreferences, savePreferences, type Preferences } from "./preferences";
import { playSound, unlockSound } from "./sound";
import type { Alert } from "./types";

const THEMES: Preferences["theme"][] = ["auto", "light", "dark"];

const DARK = matchMedia("(prefers-color-scheme: dark)");

class Settings {
  #stored = $state(loadPreferences());
  /** Whether the browser lets us make sound; it wants a gesture first. */
  soundUnlocked = $state(false);

  get language() {
    return this.#stored.language;
  }

  get theme() {
    return this.#stored.theme;
  }

  get sound() {
    return this.#stored.sound && this.soundUnlocked;
  }

  get notifications() {
    return this.#stored.notifications && notificationsAllowed() === "granted";
  }

  apply(): void {
    document.documentElement.lang = this.language === "zh" ? "zh-CN" : "en";
    const dark = this.theme === "auto" ? DARK.matches : this.theme === "dark";
    document.documentElement.dataset["theme"] = dark ? "dark" : "light";
  }

  switchLanguage(): void {
    this.#change({ language: this.language === "zh" ? "en" : "zh" });
  }

  switchTheme(): void {
    this.#change({ theme: THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length] ?? "auto" });
  }

  /** Must be called from a click or key. */
  async switchSound(): Promise<void> {
    const on = !this.sound;
    if (on) this.soundUnlocked = await unlockSound();
    this.#change({ sound: on });
    if (this.sound) playSound("medium");
  }

  /** Sound that was on before a reload comes back with the first gesture. */
  async firstGesture(): Promise<void> {
    if (this.#stored.sound && !this.soundUnlocked) this.soundUnlocked = await unlockSound();
  }

  /** Returns false when the browser refuses. */
  async switchNotifications(): Promise<boolean> {
    if (this.notifications) {
      this.#change({ notifications: false });
      return true;
    }
    if (notificationsAllowed() === "unsupported") return false;
    const allowed = (await Notification.requestPermission()) === "granted";
    this.#change({ notifications: allowed });
    return allowed;
  }

  /** Tell of a new alert: its kind in words and severity, never words of the call. */
  announce(alert: Alert): void {
    if (this.sound) playSound(alert.severity);
    if (!this.notifications || !document.hidden) return;
    const severity = translateValue(this.language, "severity", alert.severity);
    const note = new Notification(`${translate(this.language, "alerts")} · ${severity}`, {
      body: this.language === "zh" ? alert.title : alert.title_en,
      tag: alert.alert_id,
    });
    note.onclick = () => window.focus();
  }

  #change(change: Partial<Preferences>): void {
    this.#stored = { ...this.#stored, ...change };
    savePreferences(this.#stored);
    this.apply();
  }
}

function notificationsAllowed(): NotificationPermission | "unsupported" {
  return "Notification" in window ? Notification.permission : "unsupported";
}

export const settings = new Settings();
DARK.addEventListener("change", () => settings.apply());

/** The page's word for something, in the chosen language. */
export const t = (key: Key, n?: string | number) => translate(settings.language, key, n);
export const tv = (prefix: string, value: string) =>
  translateValue(settings.language, prefix, value);

/** Whose words or deed an alert is about, and whose call it was. */
export function whose(alert: Alert): string {
  const agent = alert.agent ? `${t("agent")} ${agentLabel(alert.agent, "")}` : "";
  if (alert.role === "agent") return agent || t("agent");
  return agent ? `${t(alert.role)} · ${agent}` : t(alert.role);
}
