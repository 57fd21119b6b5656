// A call's course as shapes: who spoke when, where nobody did, where both did.

import type { Call, Turn } from "./types";

export interface Span {
  start: number;
  end: number;
}

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
