// The live page as a pure fold over the server's messages.

import type {
  AgentState,
  Alert,
  Call,
  EscalationStep,
  EventMessage,
  HealthEvent,
  Hello,
  Limits,
  Listening,
  Message,
  ProvisionalAlert,
  QueueState,
} from "../types";
import { changeAlert, newAlert, withProvisional } from "./alerts";
import { applyToCall, newCall, withTurn } from "./events";
import { NO_GUIDANCE } from "./guidance";
import { withCourse, type Courses } from "./courses";

export interface LiveData {
  /** The journal that `seq` is of. */
  readonly stream: string;
  /** The number of the last event taken in; null before the first hello. */
  readonly seq: number | null;
  readonly calls: ReadonlyMap<string, Call>;
  readonly alerts: ReadonlyMap<string, Alert>;
  readonly provisional: ReadonlyMap<string, ProvisionalAlert>;
  readonly health: ReadonlyMap<string, HealthEvent>;
  readonly agents: ReadonlyMap<string, AgentState>;
  readonly queues: ReadonlyMap<string, QueueState>;
  /** What my own phone rings for or listens to, by call. */
  readonly listening: ReadonlyMap<string, Listening>;
  /** How the mood of each side of a call went since the page has been looking. */
  readonly courses: Courses;
  readonly limits: Limits;
  readonly escalation: readonly EscalationStep[];
  readonly endedShown: number;
}

export const EMPTY: LiveData = {
  stream: "",
  seq: null,
  calls: new Map(),
  alerts: new Map(),
  provisional: new Map(),
  health: new Map(),
  agents: new Map(),
  queues: new Map(),
  listening: new Map(),
  courses: new Map(),
  limits: { wait_s: 15, rings: 3, talk_s: 600 },
  escalation: [],
  endedShown: 30,
};

const HEALTH = new Set(["pbx_health", "tap_health", "asr_health", "rules_loaded"]);

export function reduce(data: LiveData, message: Message): LiveData {
  if (message.type === "hello") return greet(data, message as Hello);
  if (message.type === "time") return data;
  const event = message as EventMessage;
  if (event.seq && data.seq !== null && event.seq <= data.seq) return data;
  const next = event.seq ? { ...data, seq: event.seq } : data;
  if (HEALTH.has(event.type)) {
    return { ...next, health: withHealth(next.health, event as unknown as HealthEvent) };
  }
  if (event.type === "call_shown") return showCall(next, event as unknown as ShownCall);
  if (event.type === "call_hidden") return hideCall(next, event["call_id"] as string);
  if (event.type === "agent_state") {
    return { ...next, agents: withAgent(next.agents, event as unknown as AgentState) };
  }
  if (event.type === "queue_state") {
    return { ...next, queues: withQueue(next.queues, event as unknown as QueueState) };
  }
  if (event.type === "supervision_changed") {
    return { ...next, listening: withListening(next.listening, event as unknown as Supervision) };
  }
  const alerts = changeAlert(next.alerts, event) ?? newAlert(next.alerts, event);
  const provisional = withProvisional(next.provisional, event);
  if (alerts || provisional) {
    return {
      ...next,
      alerts: alerts ?? next.alerts,
      provisional: provisional ?? next.provisional,
    };
  }
  return changeCall(next, event);
}

function greet(data: LiveData, hello: Hello): LiveData {
  let calls = hello.snapshot
    ? byId(
        hello.snapshot.calls.map((call) => ({ ...NO_GUIDANCE, ...call })),
        "call_id",
      )
    : new Map(data.calls);
  if (!hello.snapshot) {
    calls = new Map([...calls].map(([id, call]) => [id, { ...call, speaking: [] }]));
  }
  for (const { call_id, speaking, turns } of hello.speech) {
    const call = calls.get(call_id);
    if (call) calls.set(call_id, { ...call, speaking, turns: turns.reduce(withTurn, call.turns) });
  }
  return {
    stream: hello.stream,
    seq: hello.seq,
    calls,
    alerts: hello.snapshot ? byId(hello.snapshot.alerts, "alert_id") : data.alerts,
    // What was provisional when the link broke may have been withdrawn since.
    provisional: new Map(),
    health: hello.health.reduce(withHealth, new Map()),
    agents: (hello.agents ?? []).reduce(withAgent, new Map()),
    queues: (hello.queues ?? []).reduce(withQueue, new Map()),
    listening: byId(hello.listening ?? [], "call_id"),
    courses: hello.snapshot ? new Map() : data.courses,
    limits: hello.limits,
    escalation: hello.escalation,
    endedShown: hello.ended_shown,
  };
}

interface ShownCall {
  call: Call;
  alerts: Alert[];
}

/** A call that has come into sight, whole: another agent's that rings here now. */
function showCall(data: LiveData, { call, alerts }: ShownCall): LiveData {
  return {
    ...data,
    calls: new Map(data.calls).set(call.call_id, call),
    alerts: new Map([...data.alerts, ...byId(alerts, "alert_id")]),
  };
}

function hideCall(data: LiveData, id: string): LiveData {
  return {
    ...data,
    calls: new Map([...data.calls].filter(([known]) => known !== id)),
    alerts: new Map([...data.alerts].filter(([, alert]) => alert.call_id !== id)),
  };
}

function changeCall(data: LiveData, event: EventMessage): LiveData {
  const id = event["call_id"];
  if (typeof id !== "string") return data;
  let call = data.calls.get(id);
  if (event.type === "call_joined") {
    if (call) return data;
    const joined = event as unknown as Call;
    call = {
      ...newCall(id, joined.queue, event.at),
      caller: joined.caller,
      caller_name: joined.caller_name,
      position: joined.position,
      visit: joined.visit,
    };
    return { ...data, calls: new Map(data.calls).set(id, call) };
  }
  if (!call) {
    if (event.type !== "call_connected") return data;
    const waited = (event["wait_s"] as number | null) ?? 0;
    call = newCall(id, event["queue"] as string, event.at - waited);
  }
  const calls = new Map(data.calls).set(id, applyToCall(call, event));
  const courses = withCourse(data.courses, event);
  if (event.type !== "call_ended") return { ...data, calls, courses };
  dropOldest(calls, data.endedShown);
  const kept = new Map([...courses].filter(([key]) => calls.has(key.split(" ")[0] ?? "")));
  return { ...data, calls, courses: kept };
}

function dropOldest(calls: Map<string, Call>, kept: number): void {
  const ended = [...calls.values()]
    .filter((call) => call.state === "ended")
    .sort((a, b) => (b.ended_at ?? 0) - (a.ended_at ?? 0));
  for (const call of ended.slice(kept)) calls.delete(call.call_id);
}

function withHealth(
  health: ReadonlyMap<string, HealthEvent>,
  event: HealthEvent,
): Map<string, HealthEvent> {
  const of = "system" in event ? event.system : "node" in event ? event.node : "";
  return new Map(health).set(`${event.type} ${of}`, event);
}

function withAgent(
  agents: ReadonlyMap<string, AgentState>,
  state: AgentState,
): Map<string, AgentState> {
  return new Map(agents).set(`${state.system} ${state.agent}`, state);
}

function withQueue(
  queues: ReadonlyMap<string, QueueState>,
  state: QueueState,
): Map<string, QueueState> {
  return new Map(queues).set(`${state.system} ${state.queue}`, state);
}

type Supervision = Omit<Listening, "state"> & { state: Listening["state"] | "over" };

function withListening(
  listening: ReadonlyMap<string, Listening>,
  { call_id, mode, state }: Supervision,
): Map<string, Listening> {
  const known = new Map(listening);
  if (state === "over") known.delete(call_id);
  else known.set(call_id, { call_id, mode, state });
  return known;
}

function byId<T, K extends keyof T>(items: T[], key: K): Map<string, T> {
  return new Map(items.map((item) => [item[key] as string, item]));
}
