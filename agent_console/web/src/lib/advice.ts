// What to do about an alert once its call is over: what its rule says of that, else by its kind.
// What the rule advises besides is for while the call lasts.

import type { Language } from "./i18n";
import type { Alert } from "./types";
import { AFTER, OTHERWISE } from "./words/after";

export function adviceAfter(alert: Alert, language: Language): string {
  const zh = language === "zh";
  const own = zh
    ? alert.advice_after || alert.advice_after_en
    : alert.advice_after_en || alert.advice_after;
  if (own) return own;
  const known = AFTER[alert.kind];
  if (known === null) return zh ? alert.advice : alert.advice_en;
  return (known ?? OTHERWISE)[zh ? 0 : 1];
}
