// Past calls: the list, one call, its sound, its events again.

import type { Lane } from "../../components/calls/Timeline.svelte";
import type { components } from "../openapi";
import { address, request, type Query } from "../client";
import { NO_GUIDANCE } from "../live/guidance";
import type { ReplayEvent } from "../replay.svelte";
import type { Alert, Call } from "../types";

type Schemas = components["schemas"];

export interface CallDetail {
  call: Call;
  alerts: Alert[];
}

export type CallRow = Schemas["CallSummary"];

/** A page of a list: `next` is the cursor of the one after, null at the end. */
export interface Page<T> {
  items: T[];
  next: string | null;
}

/** What is listened to: one side, or both, the agent on the left. */
export type Side = Lane["role"] | "both";

export const search = (query: Query) => request("GET", "/calls", { query });

export async function detail(call: string): Promise<CallDetail> {
  const found = await request("GET", "/calls/{call_id}", { path: { call_id: call } });
  return { ...found, call: { ...NO_GUIDANCE, ...found.call } };
}

export async function waveform(call: string): Promise<Lane[]> {
  const { legs } = await request("GET", "/calls/{call_id}/waveform", { path: { call_id: call } });
  return legs.map((leg) => ({
    role: leg.role,
    start: leg.offset_s,
    end: leg.offset_s + leg.duration_s,
    peaks: leg.peaks,
  }));
}

export const replay = async (call: string) =>
  (await request("GET", "/calls/{call_id}/replay", { path: { call_id: call } }))
    // An event has the fields of its kind, which docs/live-protocol.md tells and OpenAPI does not.
    .events as ReplayEvent[];

export const audioAddress = (call: string, side: Side) =>
  `${address("/calls/{call_id}/audio", { call_id: call })}?leg=${side}`;
