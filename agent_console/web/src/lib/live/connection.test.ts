import { beforeEach, describe, expect, it } from "vitest";
import type { Message } from "../types";
import {
  LiveConnection,
  LoggedOut,
  retryDelay,
  type ConnectionState,
  type SocketHandlers,
} from "./connection";

class Fake {
  states: ConnectionState[] = [];
  received: Message[] = [];
  sockets: { query: URLSearchParams; handlers: SocketHandlers; closed: boolean }[] = [];
  timers = new Map<number, { run: () => void; ms: number }>();
  position = { seq: null as number | null, stream: "" };
  answer: () => Promise<string> = () => Promise.resolve("ticket");
  #next = 1;

  connection = new LiveConnection({
    ticket: () => this.answer(),
    open: (query, handlers) => {
      const socket = { query, handlers, closed: false };
      this.sockets.push(socket);
      return { close: () => (socket.closed = true) };
    },
    position: () => this.position,
    received: (message) => this.received.push(message),
    changed: (state) => this.states.push(state),
    setTimer: (run, ms) => {
      this.timers.set(this.#next, { run, ms });
      return this.#next++;
    },
    clearTimer: (timer) => this.timers.delete(timer as number),
    random: () => 1,
  });

  get socket() {
    return this.sockets.at(-1)!;
  }

  hello() {
    this.socket.handlers.message('{"type":"hello","seq":0}');
  }

  async fireTimer(): Promise<number> {
    const [id, timer] = [...this.timers][0]!;
    this.timers.delete(id);
    timer.run();
    await settled();
    return timer.ms;
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

describe("the live connection", () => {
  let fake: Fake;

  beforeEach(async () => {
    fake = new Fake();
    fake.connection.start();
    await settled();
  });

  it("is live once the server has said hello", () => {
    expect(fake.states).toEqual(["connecting"]);
    fake.hello();
    expect(fake.states).toEqual(["connecting", "live"]);
    expect(fake.socket.query.toString()).toBe("ticket=ticket");
  });

  it("comes back with the number it has, waiting longer each time", async () => {
    fake.hello();
    fake.position = { seq: 42, stream: "journal" };
    const waits = [];
    for (let n = 0; n < 7; n += 1) {
      fake.socket.handlers.closed(1006);
      waits.push(await fake.fireTimer());
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
    expect(fake.socket.query.toString()).toBe("ticket=ticket&after=42&stream=journal");
    fake.hello();
    fake.socket.handlers.closed(1013);
    expect(await fake.fireTimer()).toBe(500);
  });

  it("retries when the ticket cannot be had, and stops when nobody is logged in", async () => {
    fake.answer = () => Promise.reject(new TypeError("network"));
    fake.socket.handlers.closed(1006);
    await fake.fireTimer();
    expect(fake.states.at(-1)).toBe("lost");
    fake.answer = () => Promise.reject(new LoggedOut());
    await fake.fireTimer();
    expect(fake.states.at(-1)).toBe("logged_out");
    expect(fake.timers.size).toBe(0);
  });

  it("stops when the server ends the session", () => {
    fake.hello();
    fake.socket.handlers.closed(4401);
    expect(fake.states.at(-1)).toBe("logged_out");
    expect(fake.timers.size).toBe(0);
  });

  it("takes a silent link for dead", async () => {
    fake.hello();
    const silent = fake.socket;
    await fake.fireTimer();
    expect(silent.closed).toBe(true);
    expect(fake.states.at(-1)).toBe("lost");
    silent.handlers.message('{"type":"time","time":1}');
    expect(fake.received).toHaveLength(1);
  });

  it("tries at once when asked to, and only if it has no link", async () => {
    fake.connection.retryNow();
    await settled();
    expect(fake.sockets).toHaveLength(1);
    fake.socket.handlers.closed(1006);
    fake.connection.retryNow();
    await settled();
    expect(fake.sockets).toHaveLength(2);
  });

  it("says nothing any more once stopped", async () => {
    fake.hello();
    const before = fake.states.length;
    fake.connection.stop();
    fake.socket.handlers.closed(1000);
    await settled();
    expect(fake.states).toHaveLength(before);
    expect(fake.timers.size).toBe(0);
  });
});

describe("the delay", () => {
  it("is spread over the upper half", () => {
    expect([retryDelay(0, 0), retryDelay(0, 1)]).toEqual([250, 500]);
    expect([retryDelay(50, 0), retryDelay(50, 1)]).toEqual([7500, 15_000]);
  });
});
