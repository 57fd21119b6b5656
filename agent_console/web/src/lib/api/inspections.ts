// Calls to be scored by people.

import type { components } from "../openapi";
import { request } from "../client";

type Schemas = components["schemas"];

export type Given = "yes" | "no" | "na";

export type Answer = Schemas["AnswerBody"];
export type InspectionRow = Schemas["Inspection"];
export type Listed = Schemas["Listed"];
export type Item = Schemas["ItemView"];
export type InspectionScore = Schemas["Score"];
export type Inspection = Schemas["InspectionView"];
export type Agreement = Schemas["Agreement"];
export type AgreementReport = Schemas["AgreementView"];

export const list = (query: { state?: string; cursor?: string | null }) =>
  request("GET", "/inspections", { query: { limit: 50, ...query } });
export const find = (inspection: string) =>
  request("GET", "/inspections/{inspection_id}", { path: { inspection_id: inspection } });
/** Keep my answers in place of those of `version`; another window may have been faster. */
export const keepAnswers = (inspection: string, answers: Answer[], version: number) =>
  request("PUT", "/inspections/{inspection_id}/answers", {
    path: { inspection_id: inspection },
    body: { answers, version },
  });
export const submit = (inspection: string, version: number) =>
  request("POST", "/inspections/{inspection_id}/submit", {
    path: { inspection_id: inspection },
    query: { version },
  });
export const appeal = (inspection: string, text: string) =>
  request("POST", "/inspections/{inspection_id}/appeal", {
    path: { inspection_id: inspection },
    body: { text },
  });
export const review = (inspection: string, answers: Answer[], text: string) =>
  request("POST", "/inspections/{inspection_id}/review", {
    path: { inspection_id: inspection },
    body: { answers, text },
  });
export const agreement = () => request("GET", "/inspections/agreement");

export interface SampleBody {
  kind: "random" | "alert" | "duration" | "score";
  since: number;
  until: number;
  per_agent: number;
  most: number;
  inspectors: string[];
}
export const draw = (body: SampleBody) =>
  request("POST", "/inspections/samples", { body });
