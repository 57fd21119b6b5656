// One alert with what it rests on and what was done to it.

import { request } from "../client";
import type { components } from "../openapi";

type Schemas = components["schemas"];

export type AlertDetail = Schemas["AlertDetail"];
export type AlertStep = Schemas["AlertStep"];
export type SaidAround = Schemas["SaidAround"];

export const evidence = (alert: string): Promise<AlertDetail> =>
  request("GET", "/alerts/{alert_id}", { path: { alert_id: alert } });
