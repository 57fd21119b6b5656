// The week ahead, and reports that were made.

import { request } from "../api";

export interface Slot {
  time: string;
  calls: number;
  seats: number;
  rostered: number;
  seats_erlang_c: number;
}

export interface PlannedDay {
  day: string;
  calls: number;
  slots: Slot[];
}

export interface Forecast {
  weeks: number;
  aht_s: number;
  aht_known: boolean;
  patience_s: number | null;
  within_s: number;
  days: PlannedDay[];
  errors: { weeks: number; half_hours: number; days: number; repeating_last_week: number } | null;
  warnings: { topic: string; calls: number; complaints: number; expected: number }[];
  warnings_given: number;
  warnings_right: number;
  warnings_base_rate: number | null;
}

export interface ReportFile {
  name: string;
  period: string;
  label: string;
  language: string;
  format: string;
  size_bytes: number;
  made_at: number;
}

export const forecast = (service_level: number) =>
  request<Forecast>("GET", "/forecast", { query: { service_level } });
export const reports = () => request<ReportFile[]>("GET", "/reports");

/** Where a report's file is. */
export const reportUrl = (name: string) => `/api/v1/reports/${encodeURIComponent(name)}`;

/** The half hour of a day with the most calls. */
export function busiest(day: PlannedDay): Slot {
  return day.slots.reduce((most, slot) => (slot.calls > most.calls ? slot : most));
}
