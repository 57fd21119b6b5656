// Keys of a page with a list: J and K step through it, N makes something new, / goes to the search.

import { pressedOutsideFields } from "./keys";

export interface ListKeys {
  /** By how many places: 1 or -1. */
  step: (by: number) => void;
  make?: (() => void) | undefined;
  search?: (() => HTMLElement | null | undefined) | undefined;
}

export function listKeys(keys: ListKeys): (event: KeyboardEvent) => void {
  return (event) => {
    if (!pressedOutsideFields(event)) return;
    const key = event.key.toLowerCase();
    const field = key === "/" ? keys.search?.() : null;
    if (key === "j" || key === "k") keys.step(key === "j" ? 1 : -1);
    else if (key === "n" && keys.make) keys.make();
    else if (field) field.focus();
    else return;
    event.preventDefault();
  };
}

/** The item that is `by` places on from the chosen one; the first or last when none is. */
export function stepped<T>(items: readonly T[], chosen: (item: T) => boolean, by: number): T | null {
  const at = items.findIndex(chosen);
  const next = at < 0 ? (by > 0 ? 0 : items.length - 1) : at + by;
  return items[Math.min(Math.max(next, 0), items.length - 1)] ?? null;
}
