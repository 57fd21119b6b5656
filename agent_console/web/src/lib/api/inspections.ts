// Calls to be scored by people.

import type { components } from "../openapi";
import { request } from "../api";
import type { Page } from "./calls";

type Schemas = components["schemas"];

const id = encodeURIComponent;

export type Given = "yes" | "no" | "na";

export type Answer = Schemas["AnswerBody"];
export type InspectionRow = Schemas["Inspection"];
export type Listed = Schemas["Listed"];
export type Item = Schemas["ItemView"];
export type InspectionScore = Schemas["Score"];
export type Inspection = Schemas["InspectionView"];
export type Agreement = Schemas["Agreement"];
export type AgreementReport = Schemas["AgreementView"];

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
