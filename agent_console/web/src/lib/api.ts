// The HTTP API, /api/v1. Paths, parameters and answers are the server's own, by its OpenAPI.

import { BASE, Problem, address, queryText, request } from "./client";
import type { Socket, SocketHandlers } from "./live/connection";
import type { Key, Language } from "./i18n";
import type { components } from "./openapi";
import type { Verdict } from "./types";

export { Problem } from "./client";

type Schemas = components["schemas"];

export type User = Schemas["Me"];
export type QueueRow = Schemas["QueueRow"];
export type SpyMode = Schemas["Listening"]["mode"];

const KNOWN: Readonly<Record<string, Key>> = {
  not_permitted: "problem_not_permitted",
  not_found: "problem_not_found",
  pbx_refused: "problem_pbx_refused",
  pbx_unreachable: "problem_pbx_unreachable",
  changed_meanwhile: "problem_changed",
  submitted: "problem_submitted",
  invalid_request: "problem_invalid",
};

/** The page's words for a problem that it knows. */
export function explain(error: unknown): Key | null {
  if (error instanceof Problem) return KNOWN[error.kind] ?? null;
  return error instanceof TypeError || error instanceof DOMException ? "unreachable" : null;
}

/** Whether somebody else was faster: what was edited is not the newest any more. */
export function overtaken(error: unknown): boolean {
  return error instanceof Problem && error.kind === "changed_meanwhile";
}

export const speak = (language: Language) => request("PATCH", "/me", { body: { language } });
export const me = () => request("GET", "/me");
export const login = (username: string, password: string) =>
  request("POST", "/login", { body: { username, password } });
export const loginByLink = (token: string) =>
  request("POST", "/login/link", { body: { token } });
export const loginMethods = () => request("GET", "/login/methods");
/** The way to the identity provider, and back to a page of ours. */
export const oidcLogin = (to: string) => address("/login/oidc") + queryText({ to });
export const logout = () => request("POST", "/logout");
export const ticket = async () => (await request("POST", "/ws-ticket")).ticket;
export const acknowledge = (alert: string) =>
  request("POST", "/alerts/{alert_id}/ack", { path: { alert_id: alert } });
export const alertDetail = async (alert: string) =>
  (await request("GET", "/alerts/{alert_id}", { path: { alert_id: alert } })).alert;
export const callDetail = (call: string) =>
  request("GET", "/calls/{call_id}", { path: { call_id: call } });

export const assignAlert = (alert: string, to: string) =>
  request("POST", "/alerts/{alert_id}/assign", { path: { alert_id: alert }, body: { to } });
export const commentAlert = (alert: string, text: string) =>
  request("POST", "/alerts/{alert_id}/comment", { path: { alert_id: alert }, body: { text } });
export const judgeAlert = (alert: string, verdict: Verdict) =>
  request("POST", "/alerts/{alert_id}/feedback", { path: { alert_id: alert }, body: { verdict } });
export const escalateAlert = (alert: string) =>
  request("POST", "/alerts/{alert_id}/escalate", { path: { alert_id: alert } });
export const muteRule = (call: string, rule: string, muted: boolean) =>
  request("POST", "/calls/{call_id}/mute", { path: { call_id: call }, body: { rule, muted } });

export const queues = () => request("GET", "/queues");

/** The answer comes when the phone has been taken; `[pbx.control] ring_s` is at most 120. */
const LONGEST_RING_MS = 130_000;
export const listenIn = (call: string, mode: SpyMode) =>
  request("POST", "/control/calls/{call_id}/listening/{mode}", {
    path: { call_id: call, mode },
    timeoutMs: LONGEST_RING_MS,
  });
export const stopListening = (call: string) =>
  request("DELETE", "/control/calls/{call_id}/listening", { path: { call_id: call } });
export const myPhone = () => request("GET", "/control/phone");
export const setMyPhone = (extension: string) =>
  request("PUT", "/control/phone", { body: { extension } });

export function liveSocket(query: URLSearchParams, handlers: SocketHandlers): Socket {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}${BASE}/live?${query}`);
  socket.onmessage = (event) => handlers.message(String(event.data));
  socket.onclose = (event) => handlers.closed(event.code);
  return socket;
}
