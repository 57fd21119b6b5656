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

export type AlertState = "open" | "acknowledged" | "judged";
export type Verdict = "correct" | "false_alarm";

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
  state: AlertState;
  acknowledged_by: string | null;
  acknowledged_at: number | null;
  assigned_to: string;
  /** 1: whom it was raised to; rises as it is passed upwards. */
  escalation: number;
  escalated_at: number | null;
  verdict: Verdict | null;
  comments: number;
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
  score: Score | null;
  topic: Topic | null;
  script: Script | null;
  emotions: Emotion[];
  empathy: Offer[];
  muted_rules: string[];
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
}

export interface ScoreItem {
  section: string;
  item: string;
  title: string;
  title_en: string;
  answer: "yes" | "no" | "na" | "pending";
  points: number;
  earned: number;
  critical?: boolean;
}

export interface Score {
  card: string;
  revision: string;
  score: number | null;
  items: ScoreItem[];
  final: boolean;
}

export interface ScriptStep {
  step: string;
  title: string;
  title_en: string;
  state: "done" | "due" | "missed" | "open";
  at?: number | null;
  deadline_s?: number | null;
  required?: boolean;
  slots?: { slot: string; title: string; title_en: string; filled: boolean; value?: string }[];
  say?: string;
  say_en?: string;
}

export interface Script {
  script: string;
  topic: string;
  title: string;
  title_en: string;
  steps: ScriptStep[];
  next_step: string;
  finished: boolean;
}

export type Trend = "improving" | "steady" | "worsening";

export interface Emotion {
  role: Role;
  scene: string;
  score: number;
  trend: Trend;
}

export interface Offer {
  offer_id: string;
  scene: string;
  at: number;
  sentences: { id: string; zh: string; en: string }[];
  /** Null until it is known. */
  used: boolean | null;
  sentence_id: string;
}

export interface Topic {
  topic: string;
  title: string;
  title_en: string;
  confidence: number;
  stable: boolean;
}

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
