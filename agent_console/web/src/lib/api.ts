// The HTTP API, /api/v1. Paths, parameters and answers are the server's own, by its OpenAPI.

import { LoggedOut, type Socket, type SocketHandlers } from "./live/connection";
import type { Key } from "./i18n";
import type { Alert, Call, Verdict } from "./types";

export interface User {
  username: string;
  role: string;
  /** A one-time link let the user in, who has no password yet. */
  choose_password?: boolean;
}

/** An answer that is a problem document. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    readonly retryAfterS: number,
    readonly detail: string,
  ) {
    super(kind);
  }
}

const BASE = "/api/v1";

export type Query = Record<string, string | number | boolean | null | undefined>;

export async function request<T>(
  method: string,
  path: string,
  { body, query, timeoutMs = 15_000 }: { body?: unknown; query?: Query; timeoutMs?: number } = {},
): Promise<T> {
  const init: RequestInit = { method, signal: AbortSignal.timeout(timeoutMs) };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "Content-Type": "application/json" };
  }
  const response = await fetch(BASE + path + queryText(query), init);
  if (!response.ok) {
    const document = (await response.json().catch(() => ({}))) as {
      type?: string;
      detail?: string;
    };
    const kind = document.type?.split(":").at(-1) ?? "unknown";
    if (kind === "login_required") throw new LoggedOut();
    const retryAfter = Number(response.headers.get("Retry-After") ?? 0);
    throw new Problem(response.status, kind, retryAfter, document.detail ?? "");
  }
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** `?a=1&b=2`, without what is not set. */
export function queryText(query: Query = {}): string {
  const set = Object.entries(query).filter(([, v]) => v !== undefined && v !== null && v !== "");
  return set.length ? `?${new URLSearchParams(set.map(([k, v]) => [k, String(v)]))}` : "";
}

const KNOWN: Readonly<Record<string, Key>> = {
  not_permitted: "problem_not_permitted",
  not_found: "problem_not_found",
  pbx_refused: "problem_pbx_refused",
  pbx_unreachable: "problem_pbx_unreachable",
  changed_meanwhile: "problem_changed",
  invalid_request: "problem_invalid",
};

/** The page's words for a problem that it knows. */
export function explain(error: unknown): Key | null {
  if (error instanceof Problem) return KNOWN[error.kind] ?? null;
  return error instanceof TypeError || error instanceof DOMException ? "unreachable" : null;
}

const id = encodeURIComponent;

export const me = () => request<User>("GET", "/me");
export const login = (username: string, password: string) =>
  request<User>("POST", "/login", { body: { username, password } });
export const loginByLink = (token: string) =>
  request<User>("POST", "/login/link", { body: { token } });
export interface Methods {
  /** What the button of the identity provider says; null where there is none. */
  oidc: string | null;
}
export const loginMethods = () => request<Methods>("GET", "/login/methods");
export const OIDC_LOGIN = "/api/v1/login/oidc";
export const logout = () => request<void>("POST", "/logout");
export const ticket = async () => (await request<{ ticket: string }>("POST", "/ws-ticket")).ticket;
export const acknowledge = (alert: string) => request<Alert>("POST", `/alerts/${id(alert)}/ack`);
export const callDetail = (call: string) =>
  request<{ call: Call; alerts: Alert[] }>("GET", `/calls/${id(call)}`);

export const assignAlert = (alert: string, to: string) =>
  request<Alert>("POST", `/alerts/${id(alert)}/assign`, { body: { to } });
export const commentAlert = (alert: string, text: string) =>
  request<unknown>("POST", `/alerts/${id(alert)}/comment`, { body: { text } });
export const judgeAlert = (alert: string, verdict: Verdict) =>
  request<unknown>("POST", `/alerts/${id(alert)}/feedback`, { body: { verdict } });
export const escalateAlert = (alert: string) =>
  request<unknown>("POST", `/alerts/${id(alert)}/escalate`);
export const muteRule = (call: string, rule: string, muted: boolean) =>
  request<unknown>("POST", `/calls/${id(call)}/mute`, { body: { rule, muted } });

export interface QueueRow {
  queue: string;
  service_level: number | null;
}
export const queues = () => request<QueueRow[]>("GET", "/queues");

export type SpyMode = "listen" | "whisper" | "barge";
/** The answer comes when the phone has been taken; `[pbx.control] ring_s` is at most 120. */
const LONGEST_RING_MS = 130_000;
export const listenIn = (call: string, mode: SpyMode) =>
  request<{ mode: SpyMode }>("POST", `/control/calls/${id(call)}/listening/${mode}`, {
    timeoutMs: LONGEST_RING_MS,
  });
export const stopListening = (call: string) =>
  request<unknown>("DELETE", `/control/calls/${id(call)}/listening`);
export const myPhone = () => request<{ extension: string }>("GET", "/control/phone");
export const setMyPhone = (extension: string) =>
  request<{ extension: string }>("PUT", "/control/phone", { body: { extension } });

export function liveSocket(query: URLSearchParams, handlers: SocketHandlers): Socket {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}${BASE}/live?${query}`);
  socket.onmessage = (event) => handlers.message(String(event.data));
  socket.onclose = (event) => handlers.closed(event.code);
  return socket;
}
