// The desk: live data, what is selected, who is logged in. Logic that can be pure is elsewhere.

import * as api from "./api";
import { inboxOrder, loudest, openAlerts, type SeverityFilter } from "./inbox";
import { UNKNOWN_CLOCK, serverTime } from "./live/clock";
import { LiveConnection, LoggedOut, type ConnectionState } from "./live/connection";
import { EMPTY, reduce } from "./live/reducer";
import { settings } from "./settings.svelte";
import type { Alert, Call, Hello, Message, TimeMessage } from "./types";

export type Panel = "calls" | "conversation" | "alerts";

/** Messages are taken in this often, so that a flood costs one painting and not a hundred. */
const BATCH_MS = 40;
const TICK_MS = 250;

class Desk {
  data = $state.raw(EMPTY);
  user = $state.raw<api.User | null>(null);
  connection = $state<ConnectionState>("connecting");
  /** The server's time, in seconds since the epoch. */
  now = $state(0);
  selectedCall = $state<string | null>(null);
  selectedAlert = $state<string | null>(null);
  /** Where to scroll to; a new object for every jump, even to the same place. */
  jump = $state.raw<{ segment: string } | null>(null);
  filter = $state<SeverityFilter>("all");
  panel = $state<Panel>("calls");
  notice = $state<"" | "ack_failed" | "call_gone" | "session_ended" | "notifications_denied">("");
  /** Calls that are not on the live page any more, fetched for an alert. */
  archive = $state.raw<ReadonlyMap<string, Call>>(new Map());

  alerts = $derived([...this.data.alerts.values()]);
  open = $derived(openAlerts(this.alerts));
  loudest = $derived(loudest(this.alerts));
  inbox = $derived(inboxOrder(this.alerts, this.filter));
  inProgress = $derived(
    [...this.data.calls.values()]
      .filter((call) => call.state !== "ended")
      .sort((a, b) => a.joined_at - b.joined_at),
  );
  ended = $derived(
    [...this.data.calls.values()]
      .filter((call) => call.state === "ended")
      .sort((a, b) => (b.ended_at ?? 0) - (a.ended_at ?? 0)),
  );
  call = $derived.by((): Call | null => {
    const id = this.selectedCall;
    return id ? (this.data.calls.get(id) ?? this.archive.get(id) ?? null) : null;
  });

  #clock = UNKNOWN_CLOCK;
  #queue: Message[] = [];
  #flushing: ReturnType<typeof setTimeout> | undefined;
  #ticking: ReturnType<typeof setInterval> | undefined;
  #live = new LiveConnection({
    ticket: api.ticket,
    open: api.liveSocket,
    position: () => {
      this.#flush();
      return this.data;
    },
    received: (message) => this.#received(message),
    changed: (state) => {
      this.connection = state;
      if (state === "logged_out") this.#leave("session_ended");
    },
    setTimer: (run, ms) => setTimeout(run, ms),
    clearTimer: (timer) => clearTimeout(timer as number),
    random: Math.random,
  });

  enter(user: api.User): void {
    this.user = user;
    this.notice = "";
    this.#live.start();
    this.#ticking ??= setInterval(() => {
      this.now = serverTime(this.#clock, performance.now());
    }, TICK_MS);
  }

  async logout(): Promise<void> {
    await api.logout().catch(() => undefined);
    this.#leave("");
  }

  retryNow(): void {
    this.#live.retryNow();
  }

  select(callId: string): void {
    this.selectedCall = callId;
    this.jump = null;
    this.panel = "conversation";
  }

  async openAlert(alert: Alert): Promise<void> {
    this.selectedAlert = alert.alert_id;
    if (!this.data.calls.has(alert.call_id) && !this.archive.has(alert.call_id)) {
      try {
        const { call } = await api.callDetail(alert.call_id);
        this.archive = new Map(this.archive).set(call.call_id, call);
      } catch {
        this.notice = "call_gone";
        return;
      }
    }
    this.select(alert.call_id);
    this.jump = alert.segment_id ? { segment: alert.segment_id } : null;
  }

  async acknowledge(alert: Alert | null): Promise<void> {
    if (alert?.state !== "open") return;
    try {
      const done = await api.acknowledge(alert.alert_id);
      this.#received({
        seq: 0,
        type: "alert_acknowledged",
        at: done.acknowledged_at ?? this.now,
        alert_id: done.alert_id,
        by: done.acknowledged_by ?? "",
      });
      this.notice = "";
    } catch (error) {
      if (error instanceof LoggedOut) this.#leave("session_ended");
      else this.notice = "ack_failed";
    }
  }

  stepCall(by: number): void {
    const calls = [...this.inProgress, ...this.ended];
    const at = calls.findIndex((call) => call.call_id === this.selectedCall);
    const next = calls[at < 0 ? 0 : Math.min(calls.length - 1, Math.max(0, at + by))];
    if (next) this.select(next.call_id);
  }

  stepAlert(by: number): void {
    const at = this.inbox.findIndex((alert) => alert.alert_id === this.selectedAlert);
    const next = this.inbox[at < 0 ? 0 : Math.min(this.inbox.length - 1, Math.max(0, at + by))];
    if (next) this.selectedAlert = next.alert_id;
  }

  alertSelected(): Alert | null {
    return (this.selectedAlert && this.data.alerts.get(this.selectedAlert)) || null;
  }

  #received(message: Message): void {
    if (message.type === "hello" || message.type === "time") {
      const { time } = message as TimeMessage;
      const rate = message.type === "hello" ? (message as Hello).rate : this.#clock.rate;
      this.#clock = { time, rate, heardAt: performance.now() };
      this.now = time;
    }
    this.#queue.push(message);
    this.#flushing ??= setTimeout(() => this.#flush(), BATCH_MS);
  }

  #flush(): void {
    clearTimeout(this.#flushing);
    this.#flushing = undefined;
    let data = this.data;
    for (const message of this.#queue) {
      const before = data;
      data = reduce(data, message);
      // Those of a snapshot are not news; one that was missed while away is.
      if (message.type === "alert" && data.alerts !== before.alerts) {
        const alert = [...data.alerts.values()].at(-1);
        if (alert) settings.announce(alert);
      }
    }
    this.#queue = [];
    this.data = data;
    if (!this.call) this.selectedCall = this.inProgress[0]?.call_id ?? this.selectedCall;
  }

  #leave(notice: "" | "session_ended"): void {
    this.#live.stop();
    clearInterval(this.#ticking);
    this.#ticking = undefined;
    this.#queue = [];
    this.data = EMPTY;
    this.archive = new Map();
    this.user = null;
    this.selectedCall = this.selectedAlert = null;
    this.notice = notice;
  }
}

export const desk = new Desk();
