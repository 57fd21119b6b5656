// The alert inbox: order, filter, and which alert is the loudest.

import type { Alert, EscalationStep, ProvisionalAlert, Severity } from "./types";

export const SEVERITIES: readonly Severity[] = ["critical", "high", "medium", "low", "info"];

export type SeverityFilter = "all" | Severity;
export const SHOW_FILTERS = ["open", "live", "mine", "done", "all"] as const;

export interface InboxFilter {
  severity: SeverityFilter;
  show: (typeof SHOW_FILTERS)[number];
}

/** What the inbox goes by beside the alerts themselves. */
export interface Around {
  me: string;
  /** The calls in progress: what happens on them can still be mended. */
  live: ReadonlySet<string>;
}

const SHOWN: Record<InboxFilter["show"], (alert: Alert, around: Around) => boolean> = {
  open: (alert) => alert.state === "open",
  live: (alert, { live }) => alert.state === "open" && live.has(alert.call_id),
  mine: (alert, { me }) => alert.assigned_to === me,
  done: (alert) => alert.state !== "open",
  all: () => true,
};

const RANK: Record<Severity, number> = { critical: 4, high: 3, medium: 2, low: 1, info: 0 };

/** Suspected ones need a second look first, so they rank just below certain ones. */
export function weight(alert: Alert): number {
  return RANK[alert.severity] * 2 + (alert.suspected ? 0 : 1);
}

export function openAlerts(alerts: Iterable<Alert>): Alert[] {
  return [...alerts].filter((alert) => alert.state === "open");
}

/**
 * Open ones first, by severity; of equals those of calls in progress, newest on top. Then what was
 * taken notice of, latest on top.
 */
export function inboxOrder(alerts: Iterable<Alert>, filter: InboxFilter, around: Around): Alert[] {
  const { live } = around;
  const lasts = (alert: Alert) => Number(live.has(alert.call_id));
  return [...alerts]
    .filter((alert) => filter.severity === "all" || alert.severity === filter.severity)
    .filter((alert) => SHOWN[filter.show](alert, around))
    .sort((a, b) => {
      const opens = Number(b.state === "open") - Number(a.state === "open");
      if (opens) return opens;
      if (a.state === "open") {
        return RANK[b.severity] - RANK[a.severity] || lasts(b) - lasts(a) || b.at - a.at;
      }
      return (b.acknowledged_at ?? 0) - (a.acknowledged_at ?? 0);
    });
}

/** What stands in the inbox while somebody points at it: nothing moves under the pointer. */
export interface Held {
  ids: readonly string[];
  /** Those that are provisional; one that goes leaves its place empty. */
  provisional: readonly ProvisionalAlert[];
  filter: InboxFilter;
}

/** The inbox as it was when it was held, and what has come since. */
export function asHeld(
  ordered: readonly Alert[],
  known: ReadonlyMap<string, Alert>,
  held: Held,
): { shown: Alert[]; waiting: Alert[] } {
  const ids = new Set(held.ids);
  return {
    shown: held.ids.flatMap((id) => known.get(id) ?? []),
    waiting: ordered.filter((alert) => !ids.has(alert.alert_id)),
  };
}

/** The heaviest, the newest of equals. */
export function gravest<T extends { severity: Severity; at: number }>(alerts: Iterable<T>): T | null {
  const heavier = (a: T, b: T) => RANK[b.severity] - RANK[a.severity] || b.at - a.at;
  return [...alerts].sort(heavier)[0] ?? null;
}

/**
 * What the bar shows of provisional alerts, the gravest first: those that break in, until they
 * stand as the loudest alert or somebody has taken notice.
 */
export function provisionalLoud(
  seen: readonly ProvisionalAlert[],
  known: ReadonlyMap<string, Alert>,
  loudest: Alert | null,
): ProvisionalAlert[] {
  return seen
    .filter(({ became }) => {
      const alert = became && known.get(became);
      return !alert || (alert !== loudest && alert.state === "open");
    })
    .filter(breaksIn)
    .sort((a, b) => RANK[b.severity] - RANK[a.severity]);
}

/** Whether an alert breaks into what a screen reader says. */
export function breaksIn({ severity }: { severity: Severity }): boolean {
  return RANK[severity] >= RANK.high;
}

/** Seconds until an alert of which nobody takes notice goes up; null: it goes no further. */
export function untilEscalation(
  alert: Alert,
  now: number,
  steps: readonly EscalationStep[],
): number | null {
  if (alert.state !== "open") return null;
  // Whoever it was handed to has the whole time.
  const since = Math.max(alert.at, alert.assigned_at ?? 0);
  const ahead = steps
    .filter((step) => RANK[alert.severity] >= RANK[step.severity] && step.level > alert.escalation)
    .map((step) => since + step.after_s - now);
  return ahead.length ? Math.min(...ahead) : null;
}

/**
 * The open alert that needs a person now: at least high, and while there is one of a call in
 * progress, of those, for only they can still be saved; the heaviest, the oldest of equals.
 */
export function loudest(alerts: Iterable<Alert>, live: ReadonlySet<string>): Alert | null {
  const lasts = (alert: Alert) => Number(live.has(alert.call_id));
  const [first] = openAlerts(alerts)
    .filter(breaksIn)
    .sort((a, b) => lasts(b) - lasts(a) || weight(b) - weight(a) || a.at - b.at);
  return first ?? null;
}

/** What to go on to when an alert has been dealt with: the next below it, else the one above. */
export function following(shown: readonly Alert[], done: string): Alert | null {
  const at = shown.findIndex((alert) => alert.alert_id === done);
  return at < 0 ? null : (shown[at + 1] ?? shown[at - 1] ?? null);
}

export function countBySeverity(alerts: Iterable<Alert>): Record<Severity, number> {
  const counts: Record<Severity, number> = { critical: 0, high: 0, medium: 0, low: 0, info: 0 };
  for (const alert of openAlerts(alerts)) counts[alert.severity] += 1;
  return counts;
}
