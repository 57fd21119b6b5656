// Past calls: the list, one call, its sound, its events again.

import type { Lane } from "../../components/calls/Timeline.svelte";
import type { components } from "../openapi";
import { request, type Query } from "../api";
import { NO_GUIDANCE } from "../live/guidance";
import type { ReplayEvent } from "../replay.svelte";
import type { Alert, Call } from "../types";

type Schemas = components["schemas"];

const id = encodeURIComponent;

export interface CallDetail {
  call: Call;
  alerts: Alert[];
}

export type CallRow = Schemas["CallSummary"];

export interface Page<T> {
  items: T[];
  next: string | null;
}

/** What is listened to: one side, or both, the agent on the left. */
export type Side = Lane["role"] | "both";

export const search = (query: Query) => request<Page<CallRow>>("GET", "/calls", { query });

export async function detail(call: string): Promise<CallDetail> {
  const found = await request<CallDetail>("GET", `/calls/${id(call)}`);
  return { ...found, call: { ...NO_GUIDANCE, ...found.call } };
}

export async function waveform(call: string): Promise<Lane[]> {
  const { legs } = await request<{
    legs: { role: Lane["role"]; offset_s: number; duration_s: number; peaks: number[] }[];
  }>("GET", `/calls/${id(call)}/waveform`);
  return legs.map((leg) => ({
    role: leg.role,
    start: leg.offset_s,
    end: leg.offset_s + leg.duration_s,
    peaks: leg.peaks,
  }));
}

export const replay = async (call: string) =>
  (await request<{ events: ReplayEvent[] }>("GET", `/calls/${id(call)}/replay`)).events;

export const audioAddress = (call: string, side: Side) =>
  `/api/v1/calls/${id(call)}/audio?leg=${side}`;
