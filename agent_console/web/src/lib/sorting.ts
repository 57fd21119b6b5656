// The order of calls in progress.

import { weight } from "./inbox";
import type { Alert, Call, Emotion, Role } from "./types";

export const CALL_ORDERS = ["attention", "longest", "score", "emotion", "newest"] as const;
export type CallOrder = (typeof CALL_ORDERS)[number];

/** Calls as a lead wants them: who needs attention first; ties go to the older call. */
export function sortCalls(calls: Call[], order: CallOrder, alerts: readonly Alert[]): Call[] {
  const rank = RANKS[order](alerts);
  return calls
    .map((call) => ({ call, rank: rank(call) }))
    .sort((a, b) => b.rank - a.rank || a.call.joined_at - b.call.joined_at)
    .map(({ call }) => call);
}

const RANKS: Record<CallOrder, (alerts: readonly Alert[]) => (call: Call) => number> = {
  attention(alerts) {
    const heaviest = new Map<string, number>();
    for (const alert of alerts) {
      const before = heaviest.get(alert.call_id) ?? -1;
      heaviest.set(alert.call_id, Math.max(before, weight(alert)));
    }
    return (call) => heaviest.get(call.call_id) ?? -1;
  },
  longest: () => (call) => -call.joined_at,
  // What is not known yet stands last.
  score: () => (call) => -(call.score?.score ?? Number.MAX_VALUE),
  emotion: () => (call) => -(moodOf(call, "customer")?.score ?? Number.MAX_VALUE),
  newest: () => (call) => call.joined_at,
};

export function moodOf(call: Call, role: Role): Emotion | null {
  return call.emotions.find((emotion) => emotion.role === role) ?? null;
}
