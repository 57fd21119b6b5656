// The page's words, each in Chinese and English, kept by area under words/.

import { AGENT } from "./words/agent";
import { CALLS } from "./words/calls";
import { DAY } from "./words/day";
import { DESK } from "./words/desk";
import { EVIDENCE } from "./words/evidence";
import { FRAME } from "./words/frame";
import { MANAGE } from "./words/manage";
import { ME } from "./words/me";
import { QUALITY } from "./words/quality";

const WORDS = { ...FRAME, ...DESK, ...EVIDENCE, ...CALLS, ...AGENT, ...QUALITY, ...MANAGE, ...DAY, ...ME };

export type Key = keyof typeof WORDS;
export type Language = "zh" | "en";

export function translate(language: Language, key: Key, n?: string | number): string {
  const text = WORDS[key][language === "zh" ? 0 : 1];
  return n === undefined ? text : text.replace("{n}", String(n));
}

/** The words for a value of the server, as `outcome_` + `timeout`; the value itself if unknown. */
export function translateValue(language: Language, prefix: string, value: string): string {
  const key = `${prefix}_${value}`;
  return key in WORDS ? translate(language, key as Key) : value;
}
