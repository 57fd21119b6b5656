// What the server sends: the views of agent_console/live/views.py and the messages of
// docs/live-protocol.md. Epoch times and durations are seconds.

import type { components } from "./openapi";

type Schemas = components["schemas"];

export type Role = "agent" | "customer";
export type HitRole = Role | "call";
export type Severity = "info" | "low" | "medium" | "high" | "critical";
export type CallState = "waiting" | "ringing" | "talking" | "held" | "ended";

export type Ring = Schemas["RingView"];

export type Leg = Schemas["LegView"];

export type Turn = Schemas["TurnView"];

export type Hit = Schemas["HitView"];

export type Step = Schemas["StepView"];

export type AlertState = "open" | "acknowledged" | "judged";
export type Verdict = "correct" | "false_alarm";

export type Alert = Schemas["AlertView"];

export type Call = Schemas["CallView"];

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

export type AgentPhase =
  | "logged_out"
  | "unreachable"
  | "available"
  | "ringing"
  | "talking"
  | "on_hold"
  | "wrap_up"
  | "paused";

export interface AgentState {
  system: string;
  agent: string;
  name: string;
  state: AgentPhase;
  since: number;
  reason: string;
  queues: string[];
  paused_in: string[];
  call_id: string;
  missed_in_a_row: number;
  wrap_up_until: number | null;
}

export interface QueueState {
  system: string;
  queue: string;
  waiting: { call_id: string; position: number; since: number }[];
  longest_since: number | null;
  members: number;
  available: number;
  paused: number;
}

/** What is still being said may be alert-worthy: shown as such, gone when it is not so. */
export interface ProvisionalAlert {
  alert_id: string;
  call_id: string;
  queue: string;
  agent: string;
  rule: string;
  severity: Severity;
  role: HitRole;
  title: string;
  title_en: string;
  phrase: string;
  at: number;
  /** What became of it; it is shown a moment longer, so that nobody wonders where it went. */
  outcome?: "confirmed" | "withdrawn";
  settled_at?: number;
  /** The alert that it was confirmed as. */
  became?: string;
}

export type ScoreItem = Schemas["ScoreItemView"];

export type Score = Schemas["ScoreView"];

export type ScriptStep = Schemas["ScriptStepView"];

export type Script = Schemas["ScriptView"];

export type Trend = "improving" | "steady" | "worsening";

export type Emotion = Schemas["EmotionView"];

export type Offer = Schemas["EmpathyView"];

export type Topic = Schemas["agent_console__live__guidance__TopicView"];

export interface Limits {
  wait_s: number;
  rings: number;
  talk_s: number;
}

/** An alert of this severity or a graver one goes up to `level` when nobody takes notice. */
export interface EscalationStep {
  severity: Severity;
  after_s: number;
  level: number;
}

/** What my phone does with a call. */
export interface Listening {
  call_id: string;
  mode: "listen" | "whisper" | "barge";
  state: "ringing" | "listening";
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
  agents?: AgentState[];
  queues?: QueueState[];
  listening?: Listening[];
  zone: string;
  escalation: EscalationStep[];
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
