// Which of an agent's calls is the one to work on.

import type { Language } from "./i18n";
import type { Call, CallState } from "./types";
import { GENTLY } from "./words/gently";

const RANK: Record<CallState, number> = { talking: 4, held: 4, ringing: 3, ended: 2, waiting: 0 };

/** The call that is talked in, else the one that rings, else the last that was talked in. */
export function currentCall(calls: Iterable<Call>): Call | null {
  let best: Call | null = null;
  for (const call of calls) {
    if (call.state === "waiting" || (call.state === "ended" && call.connected_at === null)) continue;
    if (!best || RANK[call.state] > RANK[best.state]) best = call;
    else if (RANK[call.state] === RANK[best.state] && moment(call) > moment(best)) best = call;
  }
  return best;
}

function moment(call: Call): number {
  return call.ended_at ?? call.connected_at ?? call.joined_at;
}

/** What an agent can do about an alert; what its rule advises is for the lead. */
export function gently(kind: string, language: Language): string {
  return GENTLY[kind]?.[language === "zh" ? 0 : 1] ?? "";
}
