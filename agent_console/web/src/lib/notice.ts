// What a notification looks like: made from an id, a kind and a severity, and nothing else.
// The service worker is built from this; it imports words of its own only.

import { VIBRATIONS } from "./vibrations";
import { NOTICE } from "./words/notice";

export type NoticeLanguage = "zh" | "en";

/** What a push holds. */
export interface Facts {
  subject: string;
  id: string;
  kind: string;
  severity: string;
  level: number;
}

/** What a notification is shown with; `path` is where a click leads. */
export interface Shown {
  title: string;
  body: string;
  tag: string;
  path: string;
  vibrate: number[];
  /** It stays until somebody touches it. */
  stays: boolean;
}

const PATHS: Readonly<Record<string, string>> = {
  alert: "/watch?alert=",
  complaint: "/complaints/",
  service: "/wallboard?alert=",
};

/** A push's facts; null when it is none of ours. */
export function factsOf(text: string): Facts | null {
  let value: Partial<Record<keyof Facts, unknown>>;
  try {
    value = (JSON.parse(text) ?? {}) as Partial<Record<keyof Facts, unknown>>;
  } catch {
    return null;
  }
  const { subject, id, kind, severity, level } = value;
  if (typeof subject !== "string" || typeof id !== "string") return null;
  return {
    subject,
    id,
    kind: typeof kind === "string" ? kind : "",
    severity: typeof severity === "string" ? severity : "",
    level: typeof level === "number" ? level : 0,
  };
}

/** The notification for a push; one that cannot be read still has to be shown, as browsers ask. */
export function shownOf(facts: Facts | null, language: NoticeLanguage): Shown {
  const word = (key: string): string | undefined =>
    key in NOTICE ? NOTICE[key as keyof typeof NOTICE][language === "zh" ? 0 : 1] : undefined;
  const app = word("app") ?? "";
  if (!facts || facts.subject === "trial") {
    const body = word(facts ? "trial" : "look") ?? "";
    const title = facts ? `${app} · ${word("subject_trial")}` : app;
    return { title, body, tag: "tingzhen", path: "/", vibrate: [], stays: false };
  }
  const severity = word(`severity_${facts.severity}`) ?? facts.severity;
  const again = facts.level ? ` · ${word("level")?.replace("{n}", String(facts.level))}` : "";
  const path = PATHS[facts.subject];
  return {
    title: `${app} · ${word(`subject_${facts.subject}`) ?? ""} · ${severity}${again}`,
    body: `${word(`kind_${facts.kind}`) ?? facts.kind}\n${facts.id}`,
    tag: facts.id,
    path: path ? path + encodeURIComponent(facts.id) : "/",
    vibrate: VIBRATIONS[facts.severity] ?? [],
    stays: facts.severity === "critical",
  };
}
