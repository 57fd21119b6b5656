// The live data of whoever is logged in: one websocket, folded, painted in batches.

import * as api from "./api";
import { UNKNOWN_CLOCK, serverTime } from "./live/clock";
import { LiveConnection, type ConnectionState } from "./live/connection";
import { Teller, type News } from "./live/news";
import { EMPTY, reduce } from "./live/reducer";
import { setZone } from "./format";
import { settings } from "./settings.svelte";
import type { Hello, Message, TimeMessage } from "./types";

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
  /** What was told last, together. */
  news = $state.raw<readonly News[]>([]);
  loggedOut: () => void = () => undefined;

  #clock = UNKNOWN_CLOCK;
  #teller = new Teller();
  #bars = 0;
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

  /** What is provisional is told while something shows it; returns what ends that. */
  showsProvisional(): () => void {
    this.#bars += 1;
    return () => (this.#bars -= 1);
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
    for (const message of this.#queue) {
      data = reduce(data, message);
      heard[message.type] = (heard[message.type] ?? 0) + 1;
    }
    const news = this.#teller.tell(this.#queue, this.data, data, this.#bars > 0);
    this.#queue = [];
    this.heard = heard;
    this.data = data;
    if (news.length) this.news = news;
    for (const one of news) settings.announce(one);
  }
}

export const live = new Live();
