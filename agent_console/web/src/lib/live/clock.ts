// The server's clock, as far as the page knows it.

/** What the server said its time is, and when the page heard it (ms of a monotonic clock). */
export interface ServerClock {
  readonly time: number;
  readonly rate: number;
  readonly heardAt: number;
}

export const UNKNOWN_CLOCK: ServerClock = { time: 0, rate: 1, heardAt: 0 };

/** The server's time now, in seconds since the epoch. */
export function serverTime(clock: ServerClock, now: number): number {
  return clock.time + ((now - clock.heardAt) / 1000) * clock.rate;
}
