// What each event does to a call: the counterpart of agent_console/live/state.py, on values that
// are never changed in place. tests/data/console/live_fold.json holds both to the same result.

import { GUIDANCE, NO_GUIDANCE } from "./guidance";
import type { Call, CallState, EventMessage, Hit, Leg, Ring, Role, Step, Turn } from "../types";

const TRANSITIONS: Record<string, CallState> = {
  "waiting ring_started": "ringing",
  "waiting call_connected": "talking",
  "waiting call_ended": "ended",
  "ringing ring_ended": "waiting",
  "ringing call_connected": "talking",
  "ringing call_ended": "ended",
  "talking call_held": "held",
  "talking call_ended": "ended",
  "held call_resumed": "talking",
  "held call_ended": "ended",
};

type Handler = (call: Call, event: never) => Partial<Call>;

export function newCall(callId: string, queue: string, joinedAt: number): Call {
  return {
    call_id: callId,
    queue,
    caller: "",
    caller_name: "",
    joined_at: joinedAt,
    position: 0,
    visit: 1,
    state: "waiting",
    agent: "",
    agent_name: "",
    connected_at: null,
    held_at: null,
    ended_at: null,
    wait_s: null,
    ring_s: null,
    rings: null,
    talk_s: null,
    hold_s: 0,
    transfers: 0,
    transferred_to: "",
    outcome: null,
    hangup_by: "",
    complete: null,
    incomplete_reason: "",
    ringing: [],
    legs: [],
    speaking: [],
    turns: [],
    hits: [],
    steps: [],
    ...NO_GUIDANCE,
  };
}

export function applyToCall(call: Call, event: EventMessage): Call {
  const handler = HANDLERS[event.type];
  const changed = handler ? { ...call, ...handler(call, event as never) } : call;
  let following = TRANSITIONS[`${call.state} ${event.type}`];
  if (following === "waiting" && changed.ringing.some((ring) => !ring.result)) following = undefined;
  return following ? { ...changed, state: following } : changed;
}

const HANDLERS: Record<string, Handler> = {
  ...(GUIDANCE as Record<string, Handler>),
  ring_started(call, event: Omit<Ring, "started_at"> & { at: number }) {
    if (call.state !== "waiting" && call.state !== "ringing") return {};
    if (call.ringing.some((ring) => ring.attempt_id === event.attempt_id)) return {};
    const ring: Ring = {
      attempt_id: event.attempt_id,
      agent: event.agent,
      agent_name: event.agent_name,
      started_at: event.at,
      ring_s: null,
      rings: null,
      result: "",
    };
    return { ringing: [...call.ringing, ring] };
  },
  ring_ended(call, event: Ring) {
    const { ring_s, rings, result } = event;
    return {
      ringing: call.ringing.map((ring) =>
        ring.attempt_id === event.attempt_id ? { ...ring, ring_s, rings, result } : ring,
      ),
    };
  },
  call_connected(call, event: Call & { at: number }) {
    if (call.state === "ended") return {};
    const { agent, agent_name, wait_s, ring_s, rings } = event;
    return { agent, agent_name, wait_s, ring_s, rings, connected_at: event.at };
  },
  call_held: (call, event: { at: number }) =>
    call.state === "talking" ? { held_at: event.at } : {},
  call_resumed: (call, event: { held_s: number }) =>
    call.state === "held" ? { held_at: null, hold_s: call.hold_s + event.held_s } : {},
  call_transferred: (_call, event: { to: string }) => ({ transferred_to: event.to }),
  call_ended(_call, event: { record: Call & { answered_at: number | null } }) {
    const r = event.record;
    return {
      agent: r.agent,
      connected_at: r.answered_at,
      held_at: null,
      ended_at: r.ended_at,
      wait_s: r.wait_s,
      ring_s: r.ring_s,
      rings: r.rings,
      talk_s: r.talk_s,
      hold_s: r.hold_s,
      transfers: r.transfers,
      outcome: r.outcome,
      hangup_by: r.hangup_by,
      complete: r.complete,
      incomplete_reason: r.incomplete_reason,
      ringing: [],
      speaking: [],
    };
  },
  leg_opened(call, event: Leg & { at: number }) {
    if (call.legs.some((leg) => leg.leg_id === event.leg_id)) return {};
    const { leg_id, role, offset_s } = event;
    const leg: Leg = { leg_id, role, offset_s, opened_at: event.at, complete: null, reason: "" };
    return { legs: [...call.legs, leg] };
  },
  leg_closed(call, event: Leg) {
    const { complete, reason } = event;
    return {
      legs: call.legs.map((leg) =>
        leg.leg_id === event.leg_id ? { ...leg, complete, reason } : leg,
      ),
      speaking: without(call.speaking, event.role),
    };
  },
  speech_started(call, event: { role: Role }) {
    if (call.state === "ended" || call.speaking.includes(event.role)) return {};
    return { speaking: [...call.speaking, event.role] };
  },
  speech_stopped: (call, event: { role: Role }) => ({
    speaking: without(call.speaking, event.role),
  }),
  transcript_partial: (call, event: Turn) => ({
    turns: withTurn(call.turns, {
      ...said(event),
      final: false,
      revision: event.revision,
      stable: event.stable,
      confidence: null,
      unintelligible: false,
    }),
  }),
  transcript_final: (call, event: Turn) => ({
    turns: withTurn(call.turns, {
      ...said(event),
      final: true,
      revision: 0,
      // Counted as the server does, by code point.
      stable: [...event.text].length,
      confidence: event.confidence,
      unintelligible: event.unintelligible ?? false,
    }),
  }),
  hit(call, event: Hit & { evidence: { segment_id?: string; span?: [number, number] | null } }) {
    if (call.hits.some((hit) => hit.hit_id === event.hit_id)) return {};
    const { hit_id, rule, kind, severity, role, phrase, start, end, suspected } = event;
    const hit: Hit = {
      hit_id,
      rule,
      kind,
      severity,
      role,
      phrase,
      start,
      end,
      suspected,
      segment_id: event.evidence.segment_id ?? "",
      span: event.evidence.span ?? null,
    };
    return { hits: [...call.hits, hit] };
  },
  compliance_step(call, event: Step) {
    const step: Step = {
      step: event.step,
      title: event.title,
      title_en: event.title_en,
      state: event.state,
      due: event.due,
      done_at: event.done_at ?? null,
    };
    const known = call.steps.some((other) => other.step === step.step);
    return {
      steps: known
        ? call.steps.map((other) => (other.step === step.step ? step : other))
        : [...call.steps, step],
    };
  },
};

/** Put a turn in its place by time; a final one stands, a later revision replaces an earlier. */
export function withTurn(turns: Turn[], turn: Turn): Turn[] {
  const known = turns.find((other) => other.segment_id === turn.segment_id);
  if (known && (known.final || (!turn.final && turn.revision < known.revision))) return turns;
  const others = known ? turns.filter((other) => other !== known) : [...turns];
  let place = others.length;
  while (place > 0) {
    const before = others[place - 1]!;
    if (before.start < turn.start || (before.start === turn.start && before.end <= turn.end)) break;
    place -= 1;
  }
  others.splice(place, 0, turn);
  return others;
}

function said(event: Turn): Pick<Turn, "segment_id" | "role" | "start" | "end" | "text"> {
  const { segment_id, role, start, end, text } = event;
  return { segment_id, role, start, end, text };
}

function without(roles: Role[], role: Role): Role[] {
  return roles.filter((other) => other !== role);
}
