// How long a call waits and talks, on the server's clock, and whether that is too long.

import type { Call, Limits } from "./types";

/** Seconds from joining to connect, leaving or now; null when it could not be known. */
export function waitSeconds(call: Call, now: number): number | null {
  if (call.wait_s !== null) return call.wait_s;
  return call.state === "waiting" || call.state === "ringing" ? now - call.joined_at : null;
}

/** Seconds from connect to the end or now; null before the connect. */
export function talkSeconds(call: Call, now: number): number | null {
  if (call.talk_s !== null) return call.talk_s;
  if (call.connected_at === null || call.state === "ended") return null;
  return now - call.connected_at;
}

export function isOver(
  call: Call,
  now: number,
  limits: Limits,
): { wait: boolean; rings: boolean; talk: boolean } {
  return {
    wait: (waitSeconds(call, now) ?? 0) > limits.wait_s,
    rings: (call.rings ?? 0) > limits.rings,
    talk: (talkSeconds(call, now) ?? 0) > limits.talk_s,
  };
}

/** Whether audio is missing: of a leg, or by the final record. Empty when nothing is. */
export function missing(call: Call): "" | "incomplete" | "incomplete_call" {
  if (call.legs.some((leg) => leg.complete === false)) return "incomplete";
  return call.complete === false ? "incomplete_call" : "";
}
