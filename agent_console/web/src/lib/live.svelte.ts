// The live data of whoever is logged in: one websocket, folded, painted in batches.

import * as api from "./api";
import { UNKNOWN_CLOCK, serverTime } from "./live/clock";
import { LiveConnection, type ConnectionState } from "./live/connection";
import { EMPTY, reduce } from "./live/reducer";
import { setZone } from "./format";
import { settings } from "./settings.svelte";
import type { Alert, Hello, Message, TimeMessage } from "./types";

/** Messages are taken in this often, so that a flood costs one painting and not a hundred. */
const BATCH_MS = 40;
const TICK_MS = 250;

class Live {
  data = $state.raw(EMPTY);
  connection = $state<ConnectionState>("connecting");
  /** The server's time, in seconds since the epoch; until it has told, the browser's. */
  now = $state(Date.now() / 1000);
  /** How often each kind of message has come: pages that show fetched data follow it. */
  heard = $state.raw<Readonly<Record<string, number>>>({});
  /** The alerts that came last, together. */
  news = $state.raw<readonly Alert[]>([]);
  loggedOut: () => void = () => undefined;

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
    received: (message) => this.received(message),
    changed: (state) => {
      this.connection = state;
      if (state === "logged_out") this.loggedOut();
    },
    setTimer: (run, ms) => setTimeout(run, ms),
    clearTimer: (timer) => clearTimeout(timer as number),
    random: Math.random,
  });

  start(): void {
    this.#live.start();
    this.#ticking ??= setInterval(() => {
      this.now = serverTime(this.#clock, performance.now());
    }, TICK_MS);
  }

  stop(): void {
    this.#live.stop();
    clearInterval(this.#ticking);
    clearTimeout(this.#flushing);
    this.#ticking = this.#flushing = undefined;
    this.#queue = [];
    this.news = [];
    this.data = EMPTY;
  }

  retryNow(): void {
    this.#live.retryNow();
  }

  /** Take in a message, from the server or from an answer that comes before its event. */
  received(message: Message): void {
    if (message.type === "hello" || message.type === "time") {
      const { time } = message as TimeMessage;
      const rate = message.type === "hello" ? (message as Hello).rate : this.#clock.rate;
      if (message.type === "hello") setZone((message as Hello).zone);
      this.#clock = { time, rate, heardAt: performance.now() };
      this.now = time;
    }
    this.#queue.push(message);
    this.#flushing ??= setTimeout(() => this.#flush(), BATCH_MS);
  }

  #flush(): void {
    clearTimeout(this.#flushing);
    this.#flushing = undefined;
    if (!this.#queue.length) return;
    let data = this.data;
    const heard = { ...this.heard };
    const news: Alert[] = [];
    for (const message of this.#queue) {
      const before = data;
      data = reduce(data, message);
      heard[message.type] = (heard[message.type] ?? 0) + 1;
      // Those of a snapshot are not news; one that was missed while away is.
      if (message.type === "alert" && data.alerts !== before.alerts) {
        const alert = [...data.alerts.values()].at(-1);
        if (alert) news.push(alert);
      }
    }
    this.#queue = [];
    this.heard = heard;
    this.data = data;
    if (news.length) this.news = news;
    for (const alert of news) settings.announce(alert);
  }
}

export const live = new Live();
