// Call registers: one call's, and what is left to write or to do.

import type { components } from "../openapi";
import { request, type Query } from "../api";
import type { Page } from "./calls";

type Schemas = components["schemas"];

const id = encodeURIComponent;

export type CallRecord = Schemas["Record"];
export type RegisterField = keyof CallRecord;
export type Register = Schemas["RegisterView"];
export type Listed = Schemas["ListedRecord"];
export type Unwritten = Schemas["Unwritten"];
export type OfAgent = Schemas["AgentRegisters"];

export const get = (call: string) => request<Register>("GET", `/calls/${id(call)}/register`);
export const save = (call: string, record: CallRecord, version: number) =>
  request<Register>("PUT", `/calls/${id(call)}/register`, { body: { ...record, version } });
/** Keep what is typed: the fields that were touched, and no others. */
export const keepDraft = (call: string, fields: Partial<CallRecord>, version: number) =>
  request<void>("PUT", `/calls/${id(call)}/register/draft`, { body: { ...fields, version } });
export const list = (query: Query) => request<Page<Listed>>("GET", "/registers", { query });
export const unwritten = (query: Query) =>
  request<Page<Unwritten>>("GET", "/registers/unwritten", { query });
export const byAgent = () => request<OfAgent[]>("GET", "/registers/agents");
