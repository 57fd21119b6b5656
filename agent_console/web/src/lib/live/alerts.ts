// What events do to alerts: raised, taken notice of, given to somebody, judged, escalated; and
// those that are provisional while the sentence is still being spoken.

import type { Alert, EventMessage, ProvisionalAlert, Verdict } from "../types";

type Alerts = ReadonlyMap<string, Alert>;
type Provisional = ReadonlyMap<string, ProvisionalAlert>;

/** A new alert; null when the event is none, or one that is known. */
export function newAlert(alerts: Alerts, event: EventMessage): Alerts | null {
  if (event.type !== "alert") return null;
  const raw = event as unknown as Alert & { evidence: Partial<Alert> };
  if (alerts.has(raw.alert_id)) return null;
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
    advice_after: raw.advice_after ?? "",
    advice_after_en: raw.advice_after_en ?? "",
    version: raw.version ?? "",
    state: "open",
    acknowledged_by: null,
    acknowledged_at: null,
    assigned_to: "",
    assigned_at: null,
    escalation: 1,
    escalated_at: null,
    verdict: null,
    comments: 0,
  };
  return new Map(alerts).set(alert.alert_id, alert);
}

type Change = (alert: Alert, event: EventMessage) => Partial<Alert> | null;

/** Who takes notice first: later ones change nothing. */
function noticed(alert: Alert, event: EventMessage): Partial<Alert> {
  if (alert.state !== "open") return {};
  return { acknowledged_by: event["by"] as string, acknowledged_at: event.at };
}

const CHANGES: Record<string, Change> = {
  alert_acknowledged: (alert, event) =>
    alert.state === "open" ? { ...noticed(alert, event), state: "acknowledged" } : null,
  alert_assigned(_alert, event) {
    const to = event["to"] as string;
    return { assigned_to: to, assigned_at: to ? event.at : null };
  },
  alert_commented: (alert) => ({ comments: alert.comments + 1 }),
  alert_feedback: (alert, event) => ({
    ...noticed(alert, event),
    state: "judged",
    verdict: event["verdict"] as Verdict,
  }),
  alert_escalated(alert, event) {
    const level = event["level"] as number;
    if (alert.state === "judged" || level <= alert.escalation) return null;
    return { escalation: level, escalated_at: event.at };
  },
};

/** A known alert that is changed; null when the event changes none. */
export function changeAlert(alerts: Alerts, event: EventMessage): Alerts | null {
  const alert = alerts.get(event["alert_id"] as string);
  const change = alert && CHANGES[event.type]?.(alert, event);
  return change ? new Map(alerts).set(alert.alert_id, { ...alert, ...change }) : null;
}

/** How long it is shown what became of a provisional alert. */
const SETTLED_SHOWN_S = 6;

/** Those still open, and those that were confirmed or withdrawn a moment ago. */
export function inSight(known: Provisional, now: number): ProvisionalAlert[] {
  return [...known.values()].filter(({ settled_at = now }) => now - settled_at < SETTLED_SHOWN_S);
}

/** Provisional alerts, and what became of each: confirmed by an alert, or withdrawn. */
export function withProvisional(known: Provisional, event: EventMessage): Provisional | null {
  if (event.type === "provisional_alert") {
    const alert = event as unknown as ProvisionalAlert;
    const seen = inSight(known, event.at).map((one) => [one.alert_id, one] as const);
    return new Map(seen).set(alert.alert_id, alert);
  }
  const confirmed = event.type === "alert";
  if (!confirmed && event.type !== "alert_withdrawn") return null;
  const alert = known.get(event[confirmed ? "confirms" : "alert_id"] as string);
  if (!alert || alert.outcome) return null;
  return new Map(known).set(alert.alert_id, {
    ...alert,
    outcome: confirmed ? "confirmed" : "withdrawn",
    settled_at: event.at,
    ...(confirmed ? { became: event["alert_id"] as string } : {}),
  });
}
