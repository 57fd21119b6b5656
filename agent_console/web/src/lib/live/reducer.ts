// The live page as a pure fold over the server's messages.

import type { Alert, Call, EventMessage, HealthEvent, Hello, Limits, Message } from "../types";
import { applyToCall, newCall, withTurn } from "./events";

export interface LiveData {
  /** The journal that `seq` is of. */
  readonly stream: string;
  /** The number of the last event taken in; null before the first hello. */
  readonly seq: number | null;
  readonly calls: ReadonlyMap<string, Call>;
  readonly alerts: ReadonlyMap<string, Alert>;
  readonly health: ReadonlyMap<string, HealthEvent>;
  readonly limits: Limits;
  readonly endedShown: number;
}

export const EMPTY: LiveData = {
  stream: "",
  seq: null,
  calls: new Map(),
  alerts: new Map(),
  health: new Map(),
  limits: { wait_s: 15, rings: 3, talk_s: 600 },
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
  if (event.type === "alert") return addAlert(next, event);
  if (event.type === "alert_acknowledged") return acknowledge(next, event);
  return changeCall(next, event);
}

function greet(data: LiveData, hello: Hello): LiveData {
  let calls = hello.snapshot ? byId(hello.snapshot.calls, "call_id") : new Map(data.calls);
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
    health: hello.health.reduce(withHealth, new Map()),
    limits: hello.limits,
    endedShown: hello.ended_shown,
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
  if (event.type === "call_ended") dropOldest(calls, data.endedShown);
  return { ...data, calls };
}

function addAlert(data: LiveData, event: EventMessage): LiveData {
  const raw = event as unknown as Alert & { evidence: Partial<Alert> };
  if (data.alerts.has(raw.alert_id)) return data;
  const evidence = raw.evidence;
  const alert: Alert = {
    alert_id: raw.alert_id,
    call_id: raw.call_id,
    queue: raw.queue,
    agent: raw.agent,
    rule: raw.rule,
    kind: raw.kind,
    severity: raw.severity,
    role: raw.role,
    title: raw.title,
    title_en: raw.title_en,
    phrase: raw.phrase,
    start: raw.start,
    end: raw.end,
    suspected: raw.suspected,
    segment_id: evidence.segment_id ?? "",
    measured: evidence.measured ?? null,
    limit: evidence.limit ?? null,
    unit: evidence.unit ?? "",
    at: raw.at,
    advice: raw.advice ?? "",
    advice_en: raw.advice_en ?? "",
    state: "open",
    acknowledged_by: null,
    acknowledged_at: null,
  };
  return { ...data, alerts: new Map(data.alerts).set(alert.alert_id, alert) };
}

function acknowledge(data: LiveData, event: EventMessage): LiveData {
  const id = event["alert_id"] as string;
  const alert = data.alerts.get(id);
  if (!alert || alert.state === "acknowledged") return data;
  const acknowledged: Alert = {
    ...alert,
    state: "acknowledged",
    acknowledged_by: event["by"] as string,
    acknowledged_at: event.at,
  };
  return { ...data, alerts: new Map(data.alerts).set(id, acknowledged) };
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

function byId<T, K extends keyof T>(items: T[], key: K): Map<string, T> {
  return new Map(items.map((item) => [item[key] as string, item]));
}
