// A call's course as shapes: who spoke when, where nobody did, where both did.

import type { Call, Hit, Turn } from "./types";

export interface Span {
  start: number;
  end: number;
}

/** How much is played before a finding: its sentence is not understood from its last word. */
export const LEAD_S = 2;
/** From how many seconds on a pause is worth showing. */
export const SILENCE_S = 5;
/** Shorter overlaps are the ordinary yes and hm. */
export const OVERLAP_S = 0.5;

/** Where nobody speaks for `least` seconds or more, from the first turn to the call's end. */
export function silences(turns: readonly Turn[], length: number, least = SILENCE_S): Span[] {
  const found: Span[] = [];
  let until: number | null = null;
  for (const turn of byStart(turns)) {
    if (until !== null && turn.start - until >= least) {
      found.push({ start: until, end: turn.start });
    }
    until = Math.max(until ?? turn.end, turn.end);
  }
  if (until !== null && length - until >= least) found.push({ start: until, end: length });
  return found;
}

/** Where both sides speak at once for `least` seconds or more. */
export function overlaps(turns: readonly Turn[], least = OVERLAP_S): Span[] {
  const agent = byStart(turns.filter((turn) => turn.role === "agent"));
  const customer = byStart(turns.filter((turn) => turn.role === "customer"));
  const found: Span[] = [];
  for (const a of agent) {
    for (const c of customer) {
      if (c.start >= a.end) break;
      const span = { start: Math.max(a.start, c.start), end: Math.min(a.end, c.end) };
      if (span.end - span.start >= least) found.push(span);
    }
  }
  return found;
}

/** How long the call's clock ran, in seconds; at least one, so that it can be divided by. */
export function lengthOf(call: Call): number {
  const spoken = Math.max(0, ...call.turns.map((turn) => turn.end));
  return Math.max(1, call.talk_s ?? 0, spoken);
}

/** Something on the call's clock that has a name. */
export interface Moment {
  at: number;
  title: string;
  title_en: string;
}

/** The required steps and the script's steps that were done; what both have under one name, once. */
export function stepsDone(call: Call): Moment[] {
  const found = new Map<string, Moment>();
  for (const { title, title_en, done_at } of call.steps) {
    if (done_at !== null) found.set(title, { at: done_at, title, title_en });
  }
  for (const { title, title_en, state, at } of call.script?.steps ?? []) {
    if (state === "done" && at != null && !found.has(title)) {
      found.set(title, { at, title, title_en });
    }
  }
  return [...found.values()].sort((a, b) => a.at - b.at);
}

/** The findings in what was said, in their order: those that can be listened to. */
export function audibleHits(call: Call): Hit[] {
  return call.hits
    .filter((hit) => hit.role !== "call" && hit.severity !== "info")
    .sort((a, b) => a.start - b.start);
}

/** The time before or after a moment, of times in their order; null when there is none. */
export function neighbour(times: readonly number[], at: number, by: 1 | -1): number | null {
  const past = 0.25; // the one that was just gone to is not the next one
  const found =
    by > 0 ? times.find((time) => time > at + past) : times.findLast((time) => time < at - past);
  return found ?? null;
}

export interface Label {
  /** From the left edge, as `width`, in pixels. */
  left: number;
  width: number;
}

/** Labels moved back from the right edge and into rows in which none covers another. */
export function rowsOf(labels: readonly Label[], within: number): { left: number; row: number }[] {
  const ends: number[] = [];
  return labels.map(({ left, width }) => {
    const begin = Math.max(0, Math.min(left, within - width));
    const free = ends.findIndex((end) => end <= begin);
    const row = free < 0 ? ends.length : free;
    ends[row] = begin + width;
    return { left: begin, row };
  });
}

/** Round times for a scale of at most `most` marks. */
export function ticks(length: number, most = 10): number[] {
  const steps = [5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
  const step = steps.find((candidate) => length / candidate <= most) ?? steps.at(-1)!;
  return Array.from({ length: Math.floor(length / step) + 1 }, (_, at) => at * step);
}

/** The share of the call's talk that each side has. */
export function talkShare(turns: readonly Turn[]): { agent: number; customer: number } {
  const sum = { agent: 0, customer: 0 };
  for (const turn of turns) sum[turn.role] += Math.max(0, turn.end - turn.start);
  const all = sum.agent + sum.customer || 1;
  return { agent: sum.agent / all, customer: sum.customer / all };
}

function byStart(turns: readonly Turn[]): Turn[] {
  return [...turns].sort((a, b) => a.start - b.start);
}
