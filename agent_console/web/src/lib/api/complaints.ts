// Complaints: red and yellow cards.

import type { components } from "../openapi";
import { request, type Query } from "../client";

type Schemas = components["schemas"];

export type Complaint = Schemas["ComplaintView"];
export type Card = Schemas["Complaint"]["card"];
export type Action = Complaint["may"][number];
export type Step = Omit<Schemas["ComplaintStep"], "text" | "owner" | "version"> & {
  text?: string;
  owner?: string;
};
export type Outcome = NonNullable<Step["outcome"]>;
export type Owner = Schemas["Owner"];
export type Filing = Partial<Schemas["NewComplaint"]>;

export const list = (query: Query) =>
  request("GET", "/complaints", { query: { order: "due", ...query } });
export const get = (complaint: string) =>
  request("GET", "/complaints/{complaint_id}", { path: { complaint_id: complaint } });
export const file = (filing: Filing) =>
  request("POST", "/complaints", { body: filing });
/** Do something about a complaint as it was seen. */
export const move = (seen: Complaint, step: Step) =>
  request("PATCH", "/complaints/{complaint_id}", {
    path: { complaint_id: seen.complaint.complaint_id },
    body: { ...step, version: seen.version },
  });
export const owners = () => request("GET", "/complaints/owners");
