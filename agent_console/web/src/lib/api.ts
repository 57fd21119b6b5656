// The HTTP API, /api/v1.

import { LoggedOut, type Socket, type SocketHandlers } from "./live/connection";
import type { Alert, Call } from "./types";

export interface User {
  username: string;
  role: string;
}

/** An answer that is a problem document. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    readonly retryAfterS: number,
  ) {
    super(kind);
  }
}

const BASE = "/api/v1";

async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method, signal: AbortSignal.timeout(15_000) };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "Content-Type": "application/json" };
  }
  const response = await fetch(BASE + path, init);
  if (!response.ok) {
    const document = (await response.json().catch(() => ({}))) as { type?: string };
    const kind = document.type?.split(":").at(-1) ?? "unknown";
    if (kind === "login_required") throw new LoggedOut();
    throw new Problem(response.status, kind, Number(response.headers.get("Retry-After") ?? 0));
  }
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export const me = () => request<User>("GET", "/me");
export const login = (username: string, password: string) =>
  request<User>("POST", "/login", { username, password });
export const loginByLink = (token: string) => request<User>("POST", "/login/link", { token });
export const logout = () => request<void>("POST", "/logout");
export const ticket = async () => (await request<{ ticket: string }>("POST", "/ws-ticket")).ticket;
export const acknowledge = (id: string) =>
  request<Alert>("POST", `/alerts/${encodeURIComponent(id)}/ack`);
export const callDetail = (id: string) =>
  request<{ call: Call; alerts: Alert[] }>("GET", `/calls/${encodeURIComponent(id)}`);

export function liveSocket(query: URLSearchParams, handlers: SocketHandlers): Socket {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}${BASE}/live?${query}`);
  socket.onmessage = (event) => handlers.message(String(event.data));
  socket.onclose = (event) => handlers.closed(event.code);
  return socket;
}
