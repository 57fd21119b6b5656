// What managers look at: figures, rules, the audit chain.

import type { components } from "../openapi";
import { request } from "../client";

type Schemas = components["schemas"];

export type Period = "day" | "week" | "month";
export type Dimension = "queue" | "agent" | "team" | "hour_of_day" | "day";
export type Figures = Readonly<Record<string, number | null>>;

export type Target = Schemas["TargetView"];
export type Kpis = Schemas["KpiView"];
export type RuleRow = Schemas["RuleView"];
export type Rules = Schemas["RulesView"];
export type AuditRow = Schemas["AuditRow"];
export type Verdict = Schemas["Verdict"];

export const kpi = (period: Period, on: string, by: Dimension) =>
  request("GET", "/kpi", { query: { period, on, by } });
export const rules = () => request("GET", "/rules");
export const audit = (cursor: string | null) =>
  request("GET", "/audit", { query: { limit: 50, cursor } });
export const verify = () => request("POST", "/audit/verify");
