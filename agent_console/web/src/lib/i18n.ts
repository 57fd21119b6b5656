// The page's words, each in Chinese and English, kept by area under words/.
//
// Those of the frame and the desk come with the page. All others come with the code that uses them,
// by `import ".../words/later"`, which words.test.ts holds.

import { DESK } from "./words/desk";
import { FRAME } from "./words/frame";
import type { LATER } from "./words/later";

const FIRST = { ...FRAME, ...DESK };

export type Words = Readonly<Record<string, readonly [string, string]>>;
export type Key = keyof typeof FIRST | keyof typeof LATER;
export type Language = "zh" | "en";

let known: Words = FIRST;

/** Add words that came later. */
export function learn(words: Words): void {
  known = { ...known, ...words };
}

export function translate(language: Language, key: Key, n?: string | number): string {
  const text = known[key]?.[language === "zh" ? 0 : 1] ?? key;
  return n === undefined ? text : text.replace("{n}", String(n));
}

/** The words for a value of the server, as `outcome_` + `timeout`; the value itself if unknown. */
export function translateValue(language: Language, prefix: string, value: string): string {
  const key = `${prefix}_${value}`;
  return Object.hasOwn(known, key) ? translate(language, key as Key) : value;
}
