// How figures are written, and whether they keep their targets.

import type { Figures, Target } from "./api/oversight";
import { decimal, duration } from "./format";

/** Columns of the table, the ones that a day is judged by first. */
export const COLUMNS = [
  "offered",
  "answered",
  "answer_rate",
  "service_level",
  "average_speed_of_answer_s",
  "ring_sla",
  "average_handle_time_s",
  "first_contact_resolution",
  "satisfaction",
  "script_compliance",
  "occupancy",
  "alerts",
] as const;

/** Figures that stand on top, against their targets. */
export const HEADLINES = [
  "answer_rate",
  "service_level",
  "average_speed_of_answer_s",
  "ring_sla",
  "abandonment_rate",
  "first_contact_resolution",
  "satisfaction",
  "script_compliance",
  "red_lines",
] as const;

const RATIOS = /rate$|level$|sla$|share$|^occupancy$|^satisfaction$|resolution$|compliance$/;

export function figure(name: string, value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (RATIOS.test(name)) return `${decimal(value * 100)}%`;
  return name.endsWith("_s") ? duration(Math.round(value)) : decimal(value);
}

/** `≥ 98%`, `≤ 0:15`. */
export function aim(name: string, target: Target): string {
  return `${target.direction === "at_least" ? "≥" : "≤"} ${figure(name, target.value)}`;
}

/** Whether a figure keeps its target; null where one of both is not known. */
export function keeps(name: string, figures: Figures, target: Target | undefined): boolean | null {
  const value = figures[name];
  if (!target || value === null || value === undefined) return null;
  return target.direction === "at_least" ? value >= target.value : value <= target.value;
}
