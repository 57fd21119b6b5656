// What this browser remembers: nothing about calls.

export interface Preferences {
  language: "zh" | "en";
  theme: "auto" | "light" | "dark";
  sound: boolean;
  notifications: boolean;
}

const KEY = "tingzhen.preferences";
const DEFAULTS: Preferences = { language: "zh", theme: "auto", sound: false, notifications: false };

export function loadPreferences(): Preferences {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as object) };
  } catch {
    return { ...DEFAULTS }; // storage switched off or spoiled
  }
}

export function savePreferences(preferences: Preferences): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // Storage switched off: the choice holds until the page is closed.
  }
}
