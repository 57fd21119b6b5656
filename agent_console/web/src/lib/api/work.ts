// What an agent works with: who calls, knowledge, sentences to say.

import type { components } from "../openapi";
import { request } from "../client";

type Schemas = components["schemas"];

export type Complaint = Schemas["Complaint"];
export type Caller = Schemas["Caller"];
export type Article = Schemas["Article"];

export const caller = (call: string) =>
  request("GET", "/calls/{call_id}/caller", { path: { call_id: call } });
export type CardBody = Schemas["CardBody"];
export const writeCard = (callerId: string, card: CardBody) =>
  request("PUT", "/callers/{caller_id}/card", { path: { caller_id: callerId }, body: card });
export type Topic = Schemas["agent_console__api__topics__TopicView"];
export const topics = () => request("GET", "/topics");
export const knowledge = async (q: string) =>
  (await request("GET", "/knowledge", { query: { q, limit: 8 } })).items;
export const useSentence = (call: string, offer: string, sentence: string) =>
  request("POST", "/calls/{call_id}/empathy/{offer_id}", {
    path: { call_id: call, offer_id: offer },
    body: { sentence_id: sentence },
  });
