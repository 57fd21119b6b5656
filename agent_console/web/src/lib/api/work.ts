// What an agent works with: who calls, knowledge, sentences to say.

import type { components } from "../openapi";
import { request } from "../api";
import type { Page } from "./calls";

type Schemas = components["schemas"];

const id = encodeURIComponent;

export type Complaint = Schemas["Complaint"];
export type Caller = Schemas["Caller"];
export type Article = Schemas["Article"];

export const caller = (call: string) => request<Caller>("GET", `/calls/${id(call)}/caller`);
export interface CardBody {
  call_id: string;
  version: number;
  name: string;
  tags: string[];
  note: string;
}
export const writeCard = (callerId: string, card: CardBody) => request<unknown>("PUT", `/callers/${id(callerId)}/card`, { body: card });
export interface Topic {
  topic: string;
  title: string;
  title_en: string;
}
export const topics = () => request<Topic[]>("GET", "/topics");
export const knowledge = async (q: string) =>
  (await request<Page<Article>>("GET", "/knowledge", { query: { q, limit: 8 } })).items;
export const useSentence = (call: string, offer: string, sentence: string) =>
  request<void>("POST", `/calls/${id(call)}/empathy/${id(offer)}`, {
    body: { sentence_id: sentence },
  });
