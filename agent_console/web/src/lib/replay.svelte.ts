// A past call as it looked live: its events are taken in again at their own times.

import { inSight } from "./live/alerts";
import { NO_GUIDANCE } from "./live/guidance";
import { EMPTY, reduce, type LiveData } from "./live/reducer";
import type { SoundTrack } from "./replay-sound";
import type { Alert, Call, EventMessage, ProvisionalAlert } from "./types";

export interface ReplayEvent {
  /** Seconds since the first event of the call. */
  offset_s: number;
  event: EventMessage;
}

export const SPEEDS = [1, 2, 4, 8] as const;
const TICK_MS = 100;

/** The page after the events up to a moment; goes on from `before` where it can. */
export class Tape {
  #data: LiveData = { ...EMPTY, seq: 0 };
  #taken = 0;

  constructor(private readonly events: readonly ReplayEvent[]) {}

  get length(): number {
    return this.events.at(-1)?.offset_s ?? 0;
  }

  at(offset: number): LiveData {
    const last = this.events[this.#taken - 1];
    if (last && last.offset_s > offset) {
      this.#data = { ...EMPTY, seq: 0 };
      this.#taken = 0;
    }
    for (;;) {
      const next = this.events[this.#taken];
      if (!next || next.offset_s > offset) return this.#data;
      this.#data = reduce(this.#data, next.event);
      this.#taken += 1;
    }
  }
}

export class Replay {
  position = $state(0);
  playing = $state(false);
  speed = $state<number>(4);
  readonly length: number;
  /** Where the call's own clock begins, the agent's answer; null: nobody answered. */
  readonly answered: number | null;
  /** When alerts appeared. */
  readonly marks: readonly number[];

  /** What is heard with it. */
  #sound: SoundTrack | null = null;
  #tape: Tape;
  #begin: number;
  #steppedAt = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(events: readonly ReplayEvent[]) {
    this.#tape = new Tape(events);
    this.length = this.#tape.length;
    this.marks = events.filter(({ event }) => event.type === "alert").map((event) => event.offset_s);
    this.answered =
      events.find(({ event }) => event.type === "call_connected")?.offset_s ?? null;
    this.#begin = (events[0]?.event.at ?? 0) - (events[0]?.offset_s ?? 0);
  }

  data = $derived.by(() => this.#tape.at(this.position));
  call: Call | null = $derived.by(() => {
    const call = [...this.data.calls.values()][0];
    return call ? { ...NO_GUIDANCE, ...call } : null;
  });
  alerts: Alert[] = $derived([...this.data.alerts.values()].reverse());
  /** The time of the day that is shown. */
  now = $derived.by(() => this.#begin + this.position);
  provisional: ProvisionalAlert[] = $derived(inSight(this.data.provisional, this.now));

  toggle(): void {
    if (this.playing) {
      this.pause();
      return;
    }
    if (this.position >= this.length) this.position = 0;
    this.playing = true;
    this.#steppedAt = performance.now();
    this.#timer = setInterval(() => this.#step(), TICK_MS);
  }

  pause(): void {
    this.playing = false;
    clearInterval(this.#timer);
    this.#sound?.stop();
  }

  seek(at: number): void {
    this.position = Math.min(this.length, Math.max(0, at));
    this.#sound?.follow(this.position, this.playing ? this.speed : null);
  }

  /** Let a recording be heard from now on, in step; or none. */
  hear(sound: SoundTrack | null): void {
    this.#sound?.stop();
    this.#sound = sound;
  }

  #step(): void {
    // Timers come late on a busy machine; the clock does not.
    const now = performance.now();
    const passed = (now - this.#steppedAt) / 1000;
    this.#steppedAt = now;
    // While something is heard its own clock counts, so that words and pictures stay together.
    this.seek(this.#sound?.position ?? this.position + passed * this.speed);
    if (this.position >= this.length) this.pause();
  }
}
