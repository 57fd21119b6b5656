// Calls to be scored by people.

import { request } from "../api";
import type { Page } from "./calls";

const id = encodeURIComponent;

export type Given = "yes" | "no" | "na";

export interface Answer {
  item: string;
  answer: Given;
  earned?: number | null;
  segment_id?: string;
  note?: string;
}

export interface InspectionRow {
  inspection_id: string;
  call_id: string;
  queue: string;
  agent: string;
  state: "open" | "scored" | "appealed" | "reviewed";
  at: number;
  score: number | null;
  result: { answers: Answer[]; disputed: string[]; score: number | null };
  appeal: string;
  verdict: string;
}

export interface Listed {
  inspection: InspectionRow;
  inspectors: { inspector: string; submitted: boolean; score: number | null }[];
  mine: boolean;
}

export interface Item {
  section: string;
  item: string;
  title: string;
  title_en: string;
  points: number;
  critical: boolean;
  automatic: Given | "pending" | null;
  evidence: { hit_id: string; segment_id: string; start: number; suspected: boolean }[];
}

export interface InspectionScore {
  inspector: string;
  answers: Answer[];
  score: number | null;
  submitted_at: number | null;
}

export interface Inspection {
  inspection: InspectionRow;
  card_title: string;
  card_title_en: string;
  automatic_score: number | null;
  stale: boolean;
  items: Item[];
  mine: InspectionScore | null;
  scores: InspectionScore[];
  may: string[];
}

export interface Agreement {
  answers: number;
  percent: number | null;
  kappa: number | null;
}

export interface AgreementReport {
  calls: number;
  overall: Agreement;
  pairs: { inspectors: [string, string]; agreement: Agreement }[];
}

const one = (inspection: string) => `/inspections/${id(inspection)}`;

export const list = (query: { state?: string; cursor?: string | null }) =>
  request<Page<Listed>>("GET", "/inspections", { query: { limit: 50, ...query } });
export const find = (inspection: string) => request<Inspection>("GET", one(inspection));
export const keepAnswers = (inspection: string, answers: Answer[]) =>
  request<Inspection>("PUT", `${one(inspection)}/answers`, { body: { answers } });
export const submit = (inspection: string) =>
  request<Inspection>("POST", `${one(inspection)}/submit`);
export const appeal = (inspection: string, text: string) =>
  request<Inspection>("POST", `${one(inspection)}/appeal`, { body: { text } });
export const review = (inspection: string, answers: Answer[], text: string) =>
  request<Inspection>("POST", `${one(inspection)}/review`, { body: { answers, text } });
export const agreement = () => request<AgreementReport>("GET", "/inspections/agreement");

export interface SampleBody {
  kind: "random" | "alert" | "duration" | "score";
  since: number;
  until: number;
  per_agent: number;
  most: number;
  inspectors: string[];
}
export const draw = (body: SampleBody) =>
  request<{ sample_id: string }>("POST", "/inspections/samples", { body });
