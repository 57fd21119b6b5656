// Call registers: one call's, and what is left to write or to do.

import type { components } from "../openapi";
import { request, type Query } from "../client";

type Schemas = components["schemas"];

export type CallRecord = Schemas["Record"];
export type RegisterField = keyof CallRecord;
export type Register = Schemas["RegisterView"];
export type Listed = Schemas["ListedRecord"];
export type Unwritten = Schemas["Unwritten"];
export type OfAgent = Schemas["AgentRegisters"];

export const get = (call: string) =>
  request("GET", "/calls/{call_id}/register", { path: { call_id: call } });
export const save = (call: string, record: CallRecord, version: number) =>
  request("PUT", "/calls/{call_id}/register", {
    path: { call_id: call },
    body: { ...record, version },
  });
/** Keep what is typed: the fields that were touched, and no others. */
export const keepDraft = (call: string, fields: Partial<CallRecord>, version: number) =>
  request("PUT", "/calls/{call_id}/register/draft", {
    path: { call_id: call },
    body: { ...fields, version },
  });
export const list = (query: Query) => request("GET", "/registers", { query });
export const unwritten = (query: Query) =>
  request("GET", "/registers/unwritten", { query });
export const byAgent = () => request("GET", "/registers/agents");
