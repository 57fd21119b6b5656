// What this browser remembers: nothing about calls.

import type { Severity } from "./types";

export interface Preferences {
  language: "zh" | "en";
  theme: "auto" | "light" | "dark";
  sound: boolean;
  vibration: boolean;
  /** From which severity alerts make themselves heard and felt. */
  loudFrom: Severity;
  notifications: boolean;
  /** The push target that this browser is, of whoever subscribed it. */
  pushTarget: string;
}

const KEY = "tingzhen.preferences";

const DEFAULTS: Omit<Preferences, "language"> = {
  theme: "auto",
  sound: false,
  vibration: true,
  loudFrom: "low",
  notifications: false,
  pushTarget: "",
};

/** The first of the languages wished for that the page speaks; Chinese when there is none. */
export function wished(languages: readonly string[]): Preferences["language"] {
  for (const wish of languages) {
    if (/^zh\b/i.test(wish)) return "zh";
    if (/^en\b/i.test(wish)) return "en";
  }
  return "zh";
}

export function loadPreferences(): Preferences {
  // The browser's own wish, which it also sends as Accept-Language, until somebody logs in.
  const defaults: Preferences = { ...DEFAULTS, language: wished(navigator.languages) };
  try {
    return { ...defaults, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as object) };
  } catch {
    return defaults; // storage switched off or spoiled
  }
}

export function savePreferences(preferences: Preferences): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // Storage switched off: the choice holds until the page is closed.
  }
}
