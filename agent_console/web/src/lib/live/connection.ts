// Keeps one live websocket open: ticket, hello, numbered events, silence watched, backoff.

import type { Message } from "../types";

export type ConnectionState = "connecting" | "live" | "lost" | "logged_out";

/** What the page has already. */
export interface Position {
  seq: number | null;
  stream: string;
}

export interface Socket {
  close(): void;
}

export interface SocketHandlers {
  message(text: string): void;
  closed(code: number): void;
}

export interface Surroundings {
  /** Get a ticket; throws LoggedOut when nobody is logged in. */
  ticket(): Promise<string>;
  open(query: URLSearchParams, handlers: SocketHandlers): Socket;
  position(): Position;
  received(message: Message): void;
  changed(state: ConnectionState, retryInMs: number): void;
  setTimer(run: () => void, ms: number): unknown;
  clearTimer(timer: unknown): void;
  random(): number;
}

export class LoggedOut extends Error {}

const CLOSE_LOGGED_OUT = 4401;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;
/** Without a word for this long (the server sends its time every 10 s) the link is dead. */
const SILENCE_MS = 25_000;

/** How long to wait before the n-th retry (from 0), spread so that not all come back at once. */
export function retryDelay(attempt: number, random: number): number {
  const full = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt);
  return Math.round(full * (0.5 + random / 2));
}

export class LiveConnection {
  private socket: Socket | null = null;
  private attempt = 0;
  private timer: unknown = null;
  private stopped = true;

  constructor(private readonly around: Surroundings) {}

  start(): void {
    this.stopped = false;
    this.attempt = 0;
    void this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.around.clearTimer(this.timer);
    this.drop();
  }

  /** Try at once, because the network or the page has come back. */
  retryNow(): void {
    if (this.stopped || this.socket) return;
    this.around.clearTimer(this.timer);
    void this.connect();
  }

  private async connect(): Promise<void> {
    this.around.changed("connecting", 0);
    let ticket: string;
    try {
      ticket = await this.around.ticket();
    } catch (error) {
      if (error instanceof LoggedOut) this.loggedOut();
      else this.retry();
      return;
    }
    if (this.stopped || this.socket) return;
    const { seq, stream } = this.around.position();
    const query = new URLSearchParams({ ticket });
    if (seq !== null) {
      query.set("after", String(seq));
      query.set("stream", stream);
    }
    const socket = this.around.open(query, {
      message: (text) => {
        if (this.socket === socket) this.received(JSON.parse(text) as Message);
      },
      closed: (code) => {
        if (this.socket === socket) this.closed(code);
      },
    });
    this.socket = socket;
    this.watchSilence();
  }

  private received(message: Message): void {
    this.watchSilence();
    this.around.received(message);
    if (message.type === "hello") {
      this.attempt = 0;
      this.around.changed("live", 0);
    }
  }

  private closed(code: number): void {
    this.socket = null;
    if (code === CLOSE_LOGGED_OUT) this.loggedOut();
    else this.retry();
  }

  private watchSilence(): void {
    this.around.clearTimer(this.timer);
    this.timer = this.around.setTimer(() => {
      this.drop();
      this.retry();
    }, SILENCE_MS);
  }

  private retry(): void {
    if (this.stopped) return;
    const delay = retryDelay(this.attempt, this.around.random());
    this.attempt += 1;
    this.around.clearTimer(this.timer);
    this.timer = this.around.setTimer(() => void this.connect(), delay);
    this.around.changed("lost", delay);
  }

  private loggedOut(): void {
    this.stop();
    this.around.changed("logged_out", 0);
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }
}
