// What the queues have achieved today, read again after calls have ended.

import * as api from "./api";

const REFRESH_MS = 15_000;

class Served {
  byQueue = $state.raw<ReadonlyMap<string, api.QueueRow>>(new Map());
  #seen = -1;
  #readAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `ended` counts the calls that have ended: a change is worth reading again, soon. */
  follow(ended: number): void {
    if (ended === this.#seen) return;
    this.#seen = ended;
    const wait = Math.max(0, this.#readAt + REFRESH_MS - performance.now());
    this.#timer ??= setTimeout(() => void this.#read(), wait);
  }

  async #read(): Promise<void> {
    this.#timer = undefined;
    this.#readAt = performance.now();
    // Without it the strip shows what is live; the next call's end tries again.
    const queues = await api.queues().catch(() => null);
    if (queues) this.byQueue = new Map(queues.map((queue) => [queue.queue, queue]));
  }
}

export const served = new Served();
