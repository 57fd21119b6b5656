// What the server sends: the views of agent_console/live/views.py and the messages of
// docs/live-protocol.md. Epoch times and durations are seconds.

export type Role = "agent" | "customer";
export type HitRole = Role | "call";
export type Severity = "info" | "low" | "medium" | "high" | "critical";
export type CallState = "waiting" | "ringing" | "talking" | "held" | "ended";

export interface Ring {
  attempt_id: string;
  agent: string;
  agent_name: string;
  started_at: number;
  ring_s: number | null;
  rings: number | null;
  result: string;
}

export interface Leg {
  leg_id: string;
  role: Role;
  opened_at: number;
  offset_s: number;
  complete: boolean | null;
  reason: string;
}

export interface Turn {
  segment_id: string;
  role: Role;
  start: number;
  end: number;
  text: string;
  final: boolean;
  revision: number;
  stable: number;
  confidence: number | null;
  unintelligible: boolean;
}

export interface Hit {
  hit_id: string;
  rule: string;
  kind: string;
  severity: Severity;
  role: HitRole;
  phrase: string;
  start: number;
  end: number;
  suspected: boolean;
  segment_id: string;
  span: [number, number] | null;
}

export interface Step {
  step: string;
  title: string;
  title_en: string;
  state: "pending" | "done" | "missing";
  due: number | null;
  done_at: number | null;
}

export interface Alert {
  alert_id: string;
  call_id: string;
  queue: string;
  agent: string;
  rule: string;
  kind: string;
  severity: Severity;
  role: HitRole;
  title: string;
  title_en: string;
  phrase: string;
  start: number;
  end: number;
  suspected: boolean;
  segment_id: string;
  measured: number | null;
  limit: number | null;
  unit: string;
  at: number;
  advice: string;
  advice_en: string;
  state: "open" | "acknowledged";
  acknowledged_by: string | null;
  acknowledged_at: number | null;
}

export interface Call {
  call_id: string;
  queue: string;
  caller: string;
  caller_name: string;
  joined_at: number;
  position: number;
  visit: number;
  state: CallState;
  agent: string;
  agent_name: string;
  connected_at: number | null;
  held_at: number | null;
  ended_at: number | null;
  wait_s: number | null;
  ring_s: number | null;
  rings: number | null;
  talk_s: number | null;
  hold_s: number;
  transfers: number;
  transferred_to: string;
  outcome: string | null;
  hangup_by: string;
  complete: boolean | null;
  incomplete_reason: string;
  ringing: Ring[];
  legs: Leg[];
  speaking: Role[];
  turns: Turn[];
  hits: Hit[];
  steps: Step[];
}

export interface PbxHealth {
  type: "pbx_health";
  at: number;
  system: string;
  up: boolean;
  state: string;
  last_event_at: number | null;
  detail: string;
}

export interface TapHealth {
  type: "tap_health";
  at: number;
  system: string;
  up: boolean;
  legs: number;
  detail: string;
}

export interface AsrHealth {
  type: "asr_health";
  at: number;
  node: string;
  ready: boolean;
  legs: number;
  lag_s: number;
  detail: string;
}

export interface RulesLoaded {
  type: "rules_loaded";
  at: number;
  pack: string;
  version: string;
  rules: number;
  error: string;
}

export type HealthEvent = PbxHealth | TapHealth | AsrHealth | RulesLoaded;

export interface Limits {
  wait_s: number;
  rings: number;
  talk_s: number;
}

export interface Hello {
  type: "hello";
  protocol: number;
  limits: Limits;
  heartbeat_s: number;
  ended_shown: number;
  user: { username: string; role: string };
  time: number;
  rate: number;
  stream: string;
  seq: number;
  health: HealthEvent[];
  speech: { call_id: string; speaking: Role[]; turns: Turn[] }[];
  snapshot: { calls: Call[]; alerts: Alert[] } | null;
}

export interface TimeMessage {
  type: "time";
  time: number;
}

/** An event as it happened: its fields stand beside `seq` and `type`. */
export interface EventMessage {
  seq: number;
  type: string;
  at: number;
  [field: string]: unknown;
}

export type Message = Hello | TimeMessage | EventMessage;
