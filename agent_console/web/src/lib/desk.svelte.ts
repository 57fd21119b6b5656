// The lead's desk: what is selected, how lists are sorted, and what is done to alerts and calls.

import * as api from "./api";
import {
  asHeld,
  following,
  inboxOrder,
  loudest,
  openAlerts,
  provisionalLoud,
  type Held,
  type InboxFilter,
} from "./inbox";
import { inSight } from "./live/alerts";
import { live } from "./live.svelte";
import { session } from "./session.svelte";
import { sortCalls, type CallOrder } from "./sorting";
import type { Alert, Call, ProvisionalAlert, Verdict } from "./types";

/** A pointer that rests does not read any more. */
const READING_MS = 8_000;

export type Panel = "calls" | "people" | "conversation" | "alerts";

class Desk {
  selectedCall = $state<string | null>(null);
  selectedAlert = $state<string | null>(null);
  /** Where to scroll to; a new object for every jump, even to the same place. */
  jump = $state.raw<{ segment: string } | null>(null);
  filter = $state.raw<InboxFilter>({ severity: "all", show: "open" });
  order = $state<CallOrder>("attention");
  panel = $state<Panel>("calls");
  /** Calls that are not on the live page any more, fetched for an alert. */
  archive = $state.raw<ReadonlyMap<string, Call>>(new Map());

  #asked = 0;
  #held = $state.raw<Held | null>(null);
  #reading: ReturnType<typeof setTimeout> | undefined;

  alerts = $derived([...live.data.alerts.values()]);
  open = $derived(openAlerts(this.alerts));
  /** The calls in progress, by id. */
  onCall: ReadonlySet<string> = $derived(
    new Set([...live.data.calls.values()].flatMap((c) => (c.state === "ended" ? [] : c.call_id))),
  );
  loudest = $derived(loudest(this.alerts, this.onCall));
  ordered = $derived(
    inboxOrder(this.alerts, this.filter, {
      me: session.user?.username ?? "",
      live: this.onCall,
    }),
  );
  held = $derived(this.#held?.filter === this.filter ? this.#held : null);
  #asHeld = $derived(this.held && asHeld(this.ordered, live.data.alerts, this.held));
  inbox = $derived(this.#asHeld?.shown ?? this.ordered);
  /** What has come while somebody points at the inbox. */
  waiting = $derived(this.#asHeld?.waiting ?? []);
  #early = $derived(
    inSight(live.data.provisional, live.now).filter((alert) => live.data.calls.has(alert.call_id)),
  );
  /** Those of the inbox: what stands there as an alert is not shown twice. */
  provisional = $derived.by(() => {
    const shown = new Set(this.inbox.map((alert) => alert.alert_id));
    return this.#early.filter(({ became }) => !became || !shown.has(became));
  });
  /** Those of the bar; while the link is down nobody knows what becomes of them. */
  provisionalLoud = $derived(
    live.connection === "live"
      ? provisionalLoud(this.#early, live.data.alerts, this.loudest)
      : [],
  );
  inProgress = $derived(
    sortCalls(
      [...live.data.calls.values()].filter((call) => call.state !== "ended"),
      this.order,
      this.open,
    ),
  );
  ended = $derived(
    [...live.data.calls.values()]
      .filter((call) => call.state === "ended")
      .sort((a, b) => (b.ended_at ?? 0) - (a.ended_at ?? 0)),
  );
  /** What is looked at: the chosen call, else the one that needs attention most. */
  current = $derived(this.selectedCall ?? this.inProgress[0]?.call_id ?? null);
  call = $derived.by((): Call | null => {
    const id = this.current;
    return id ? (live.data.calls.get(id) ?? this.archive.get(id) ?? null) : null;
  });

  reset(): void {
    this.selectedCall = this.selectedAlert = this.jump = null;
    this.archive = new Map();
    this.release();
  }

  /** Somebody points at the inbox: it stays as it is until the pointer goes, or rests. */
  hold(): void {
    if (!this.held) {
      const ids = this.ordered.map((alert) => alert.alert_id);
      this.#held = { ids, provisional: this.provisional, filter: this.filter };
    }
    clearTimeout(this.#reading);
    this.#reading = setTimeout(() => this.release(), READING_MS);
  }

  release(): void {
    clearTimeout(this.#reading);
    this.#held = null;
  }

  select(callId: string): void {
    this.selectedCall = callId;
    this.jump = null;
    this.panel = "conversation";
  }

  async openAlert(alert: Alert): Promise<void> {
    this.selectedAlert = alert.alert_id;
    if (!live.data.calls.has(alert.call_id) && !this.archive.has(alert.call_id)) {
      const found = await session.attempt(api.callDetail(alert.call_id), "call_gone");
      if (!found) return;
      this.archive = new Map(this.archive).set(found.call.call_id, found.call);
    }
    this.select(alert.call_id);
    this.jump = alert.segment_id ? { segment: alert.segment_id } : null;
  }

  /** What was provisional leads to its call, once it stands to its words. */
  openProvisional({ call_id, became }: ProvisionalAlert): void {
    const alert = became && live.data.alerts.get(became);
    if (alert) void this.openAlert(alert);
    else this.select(call_id);
  }

  /** Returns whether it is acknowledged now. */
  async acknowledge(alert: Alert | null): Promise<boolean> {
    if (alert?.state !== "open") return false;
    const done = await session.attempt(api.acknowledge(alert.alert_id), "ack_failed");
    if (!done) return false;
    live.received({
      seq: 0,
      type: "alert_acknowledged",
      at: done.acknowledged_at ?? live.now,
      alert_id: done.alert_id,
      by: done.acknowledged_by ?? "",
    });
    return true;
  }

  /** All open ones of a call, one after the other; the first that fails ends it. */
  async acknowledgeCall(call: string): Promise<void> {
    for (const alert of this.openOf(call)) if (!(await this.acknowledge(alert))) return;
  }

  openOf(call: string): Alert[] {
    return this.open.filter((alert) => alert.call_id === call);
  }

  /** Deal with the selected alert and go on to the next, where no other was selected meanwhile. */
  async dealWith(alert: Alert, work: () => Promise<unknown>): Promise<void> {
    const next = following(this.inbox, alert.alert_id);
    if (!(await work()) || this.selectedAlert !== alert.alert_id) return;
    this.selectedAlert = next?.alert_id ?? null;
  }

  async judge(alert: Alert, verdict: Verdict): Promise<boolean> {
    return !!(await session.attempt(
      api.judgeAlert(alert.alert_id, verdict).then(() => true),
    ));
  }

  /** Take an alert on, or give it back. */
  async take(alert: Alert): Promise<boolean> {
    const me = session.user?.username ?? "";
    const to = alert.assigned_to === me ? "" : me;
    return !!(await session.attempt(api.assignAlert(alert.alert_id, to).then(() => true)));
  }

  /** Ring my phone for a call, or change how it hears; what came of it is told by events. */
  async listen(call: string, mode: api.SpyMode): Promise<void> {
    const asked = (this.#asked += 1);
    const failed = await api.listenIn(call, mode).then(
      () => null,
      (error: unknown) => error,
    );
    // Who has called it off knows that the phone was not taken.
    if (!failed || asked !== this.#asked) return;
    const untaken = failed instanceof api.Problem && failed.detail.includes("; Failure");
    if (untaken) session.notice = "phone_untaken";
    else await session.attempt(Promise.reject(failed));
  }

  async stopListening(call: string): Promise<void> {
    this.#asked += 1;
    await session.attempt(api.stopListening(call));
  }

  stepCall(by: number): void {
    const calls = [...this.inProgress, ...this.ended];
    const at = calls.findIndex((call) => call.call_id === this.current);
    const next = calls[at < 0 ? 0 : Math.min(calls.length - 1, Math.max(0, at + by))];
    if (next) this.select(next.call_id);
  }

  stepAlert(by: number): void {
    const at = this.inbox.findIndex((alert) => alert.alert_id === this.selectedAlert);
    const next = this.inbox[at < 0 ? 0 : Math.min(this.inbox.length - 1, Math.max(0, at + by))];
    if (next) this.selectedAlert = next.alert_id;
  }

  openSelected(): Alert | null {
    const alert = this.alertSelected();
    return alert?.state === "open" ? alert : null;
  }

  alertSelected(): Alert | null {
    return (this.selectedAlert && live.data.alerts.get(this.selectedAlert)) || null;
  }
}

export const desk = new Desk();
