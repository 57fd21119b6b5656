// What managers look at: figures, rules, the audit chain.

import { request } from "../api";
import type { Severity } from "../types";
import type { Page } from "./calls";

export type Period = "day" | "week" | "month";
export type Dimension = "queue" | "agent" | "team" | "hour_of_day" | "day";
export type Figures = Readonly<Record<string, number | null>>;

export interface Target {
  direction: "at_least" | "at_most";
  value: number;
  met: boolean | null;
}

export interface Kpis {
  label: string;
  total: Figures;
  targets: Readonly<Record<string, Target>>;
  rows: { key: string; kpis: Figures }[];
}

export interface RuleRow {
  rule: string;
  kind: string;
  severity: Severity;
  title: string;
  title_en: string;
  enabled: boolean;
  alerts: number;
  correct: number;
  false_alarm: number;
  precision: number | null;
}

export interface Rules {
  title: string;
  title_en: string;
  version: string;
  rules: RuleRow[];
}

export interface AuditRow {
  number: number;
  at: number;
  who: string;
  role: string;
  action: string;
  target: string;
  call_id: string;
  done: boolean;
  answer: string;
}

export interface Verdict {
  whole: boolean;
  rows: number;
  head: string;
  broken: number | null;
}

export const kpi = (period: Period, on: string, by: Dimension) =>
  request<Kpis>("GET", "/kpi", { query: { period, on, by } });
export const rules = () => request<Rules>("GET", "/rules");
export const audit = (cursor: string | null) =>
  request<Page<AuditRow>>("GET", "/audit", { query: { limit: 50, cursor } });
export const verify = () => request<Verdict>("POST", "/audit/verify");
