// What an agent works with: who calls, the register, knowledge, sentences to say.

import { request } from "../api";
import type { Page } from "./calls";

const id = encodeURIComponent;

export interface Complaint {
  complaint_id: string;
  card: "red" | "yellow";
  state: string;
  text: string;
  opened_at: number;
  answer_due: number;
  close_due: number | null;
  answered_at: number | null;
}

export interface CallRecord {
  age: number | null;
  sex: string;
  address: string;
  channel: string;
  topic: string;
  need: string;
  outcome: string;
  first_contact_resolved: boolean | null;
  follow_up_due: number | null;
}

export type RegisterField = keyof CallRecord;

export interface Caller {
  call_id: string;
  caller_id: string;
  number: string;
  name: string;
  card: { name: string; tags: string[]; note: string; version: number };
  calls: number;
  past_calls: {
    call_id: string;
    queue: string;
    agent: string;
    outcome: string | null;
    joined_at: number;
    talk_s: number | null;
    topic_title: string;
    topic_title_en: string;
  }[];
  open_complaints: Complaint[];
  last_register: { record: CallRecord; at: number } | null;
}

export interface Register {
  call_id: string;
  stored: boolean;
  version: number;
  record: CallRecord;
  /** What was filled in beforehand, with the segment that it was heard in. */
  guesses: { field: RegisterField; segment_id: string }[];
  required: RegisterField[];
  missing: RegisterField[];
  completeness: number;
}

export interface Article {
  article_id: string;
  title: string;
  body: string;
  tags: string[];
  topic: string;
}

export const caller = (call: string) => request<Caller>("GET", `/calls/${id(call)}/caller`);
export interface CardBody {
  call_id: string;
  version: number;
  name: string;
  tags: string[];
  note: string;
}
export const writeCard = (callerId: string, card: CardBody) => request<unknown>("PUT", `/callers/${id(callerId)}/card`, { body: card });
export const register = (call: string) => request<Register>("GET", `/calls/${id(call)}/register`);
export const saveRegister = (call: string, record: CallRecord & { version: number }) =>
  request<Register>("PUT", `/calls/${id(call)}/register`, { body: record });
export const knowledge = async (q: string) =>
  (await request<Page<Article>>("GET", "/knowledge", { query: { q, limit: 8 } })).items;
export const useSentence = (call: string, offer: string, sentence: string) =>
  request<void>("POST", `/calls/${id(call)}/empathy/${id(offer)}`, {
    body: { sentence_id: sentence },
  });
