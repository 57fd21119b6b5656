// Complaints: red and yellow cards.

import type { components } from "../openapi";
import { request, type Query } from "../api";
import type { Page } from "./calls";

type Schemas = components["schemas"];

const id = encodeURIComponent;

export type Complaint = Schemas["ComplaintView"];
export type Card = Schemas["Complaint"]["card"];
export type Action = Complaint["may"][number];
export type Step = Omit<Schemas["ComplaintStep"], "text" | "owner"> & {
  text?: string;
  owner?: string;
};
export type Outcome = NonNullable<Step["outcome"]>;
export type Owner = Schemas["Owner"];
export type Filing = Partial<Schemas["NewComplaint"]>;

export const list = (query: Query) =>
  request<Page<Complaint>>("GET", "/complaints", { query: { order: "due", ...query } });
export const get = (complaint: string) => request<Complaint>("GET", `/complaints/${id(complaint)}`);
export const file = (filing: Filing) =>
  request<Complaint>("POST", "/complaints", { body: filing });
export const move = (complaint: string, step: Step) =>
  request<Complaint>("PATCH", `/complaints/${id(complaint)}`, { body: step });
export const owners = () => request<Owner[]>("GET", "/complaints/owners");
