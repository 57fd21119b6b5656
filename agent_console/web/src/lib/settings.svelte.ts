// Language, theme, sound and notifications of this browser, as the components see them.

import { agentLabel } from "./format";
import { translate, translateValue, type Key, type Language } from "./i18n";
import { SEVERITIES } from "./inbox";
import type { News } from "./live/news";
import { loadPreferences, savePreferences, type Preferences } from "./preferences";
import { playSound, unlockSound } from "./sound";
import type { Alert, Severity } from "./types";
import { VIBRATIONS } from "./vibrations";
import { askLeave, show, standing, type Standing } from "./worker";

const THEMES: Preferences["theme"][] = ["auto", "light", "dark"];

const DARK = matchMedia("(prefers-color-scheme: dark)");

class Settings {
  #stored = $state(loadPreferences());
  /** Whether the browser lets us make sound; it wants a gesture first. */
  soundUnlocked = $state(false);
  /** Where the page stands with the browser's notifications. */
  standing = $state<Standing>(standing());
  /** Hears what somebody chose here: the server keeps it with the user. */
  languageChosen: (language: Language) => void = () => undefined;

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
    return this.#stored.notifications && this.standing === "granted";
  }

  get pushTarget() {
    return this.#stored.pushTarget;
  }

  set pushTarget(pushTarget: string) {
    this.#change({ pushTarget });
  }

  get vibration() {
    return this.#stored.vibration;
  }

  get loudFrom() {
    return this.#stored.loudFrom;
  }

  apply(): void {
    document.documentElement.lang = this.language === "zh" ? "zh-CN" : "en";
    const dark = this.theme === "auto" ? DARK.matches : this.theme === "dark";
    document.documentElement.dataset["theme"] = dark ? "dark" : "light";
  }

  switchLanguage(): void {
    this.speak(this.language === "zh" ? "en" : "zh");
    this.languageChosen(this.language);
  }

  /** Use a language that is the user's already. */
  speak(language: Language): void {
    if (language !== this.language) this.#change({ language });
  }

  switchTheme(): void {
    this.setTheme(THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length] ?? "auto");
  }

  setTheme(theme: Preferences["theme"]): void {
    this.#change({ theme });
  }

  switchVibration(): void {
    this.#change({ vibration: !this.vibration });
    if (this.vibration) vibrate("medium");
  }

  setLoudFrom(loudFrom: Severity): void {
    this.#change({ loudFrom });
  }

  /** Let it be heard and felt how an alert of this severity makes itself known. */
  sample(severity: Severity): void {
    if (this.sound) playSound(severity);
    if (this.vibration) vibrate(severity);
  }

  /** Leave that was given or taken in the browser's own settings meanwhile. */
  lookAgain(): void {
    this.standing = standing();
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
    this.standing = await askLeave();
    const allowed = this.standing === "granted";
    this.#change({ notifications: allowed });
    return allowed;
  }

  /**
   * Tell of an alert: its kind in words and severity, never words of the call. It is heard and
   * felt when it is first told, if only provisionally; a notification is of what stands.
   */
  announce({ what, about }: News): void {
    const loud = SEVERITIES.indexOf(about.severity) <= SEVERITIES.indexOf(this.loudFrom);
    if (loud && (what === "new" || what === "provisional")) this.sample(about.severity);
    if (!this.notifications || !document.hidden || !("state" in about)) return;
    const { alert_id: id, kind, severity } = about;
    const facts = { subject: "alert", id, kind, severity, level: 0 };
    const body = this.language === "zh" ? about.title : about.title_en;
    // Without its worker the page says what it says in the window only.
    void import("./notice")
      .then(({ shownOf }) => show({ ...shownOf(facts, this.language), body }, this.language))
      .catch(() => undefined);
  }

  #change(change: Partial<Preferences>): void {
    this.#stored = { ...this.#stored, ...change };
    savePreferences(this.#stored);
    this.apply();
  }
}

/** Whether this device can vibrate at all. */
export const VIBRATES = "vibrate" in navigator && matchMedia("(pointer: coarse)").matches;

function vibrate(severity: Severity): void {
  // Browsers refuse before the first touch, and say so in their console.
  const touched = navigator.userActivation?.hasBeenActive ?? true;
  if (VIBRATES && touched) navigator.vibrate(VIBRATIONS[severity] ?? []);
}

export const settings = new Settings();
DARK.addEventListener("change", () => settings.apply());

/** The page's word for something, in the chosen language. */
export const t = (key: Key, n?: string | number) => translate(settings.language, key, n);
export const tv = (prefix: string, value: string) =>
  translateValue(settings.language, prefix, value);

/** Whose words or deed an alert is about, and whose call it was. */
export function whose(alert: Pick<Alert, "agent" | "role">): string {
  const agent = alert.agent ? `${t("agent")} ${agentLabel(alert.agent, "")}` : "";
  if (alert.role === "agent") return agent || t("agent");
  return agent ? `${t(alert.role)} · ${agent}` : t(alert.role);
}
