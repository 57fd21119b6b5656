// The week ahead, and reports that were made.

import { address, request } from "../client";
import type { components } from "../openapi";

type Schemas = components["schemas"];

export type Slot = Schemas["SlotView"];
export type PlannedDay = Schemas["DayView"];
export type Forecast = Schemas["ForecastView"];
export type ReportFile = Schemas["ReportFile"];

export const forecast = (service_level: number) =>
  request("GET", "/forecast", { query: { service_level } });
export type Asked = Schemas["AskedReport"];
export type Order = Schemas["NewReport"];
export const reports = () => request("GET", "/reports");

export const asked = () => request("GET", "/reports/asked");
export const ask = (order: Order) => request("POST", "/reports", { body: order });

/** Where a report's file is. */
export const reportUrl = (name: string) => address("/reports/{name}", { name });

/** The half hour of a day with the most calls. */
export function busiest(day: PlannedDay): Slot {
  return day.slots.reduce((most, slot) => (slot.calls > most.calls ? slot : most));
}
