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
/** Save a record over `version`; the draft that it was made of is forgotten. */
export const save = (call: string, record: CallRecord, version: number, draft = "") =>
  request("PUT", "/calls/{call_id}/register", {
    path: { call_id: call },
    body: { ...record, version, draft },
  });
/** Keep what is typed in place of the draft `revision`: the fields that were touched, no others. */
export const keepDraft = (
  call: string,
  fields: Partial<CallRecord>,
  version: number,
  revision: string,
) =>
  request("PUT", "/calls/{call_id}/register/draft", {
    path: { call_id: call },
    body: { ...fields, version, revision },
  });
export const list = (query: Query) => request("GET", "/registers", { query });
export const unwritten = (query: Query) =>
  request("GET", "/registers/unwritten", { query });
export const byAgent = () => request("GET", "/registers/agents");
