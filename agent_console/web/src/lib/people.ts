// Agents and queues: order, and what is amber or red.

import type { LiveData } from "./live/reducer";
import type { AgentPhase, AgentState, QueueState } from "./types";

export type Tone = "calm" | "amber" | "red";

/** From this share of the limit on a wait is amber. */
const AMBER_SHARE = 2 / 3;
const WRAP_UP_AMBER_S = 60;
const PAUSED_AMBER_S = 15 * 60;
const MISSED_AMBER = 1;
const MISSED_RED = 3;

/** A queue is red when somebody waits too long, amber shortly before or when nobody is free. */
export function queueTone(queue: QueueState, waitedS: number | null, limitS: number): Tone {
  if (waitedS !== null && waitedS > limitS) return "red";
  if (waitedS !== null && waitedS > limitS * AMBER_SHARE) return "amber";
  return queue.waiting.length > 0 && queue.available === 0 ? "amber" : "calm";
}

/** An agent is red when rings go unanswered, amber when out of the queue for long. */
export function agentTone(agent: AgentState, now: number): Tone {
  if (agent.missed_in_a_row >= MISSED_RED) return "red";
  const spent = now - agent.since;
  if (agent.state === "unreachable") return "amber";
  if (agent.state === "wrap_up" && spent > WRAP_UP_AMBER_S) return "amber";
  if (agent.state === "paused" && spent > PAUSED_AMBER_S) return "amber";
  return agent.missed_in_a_row >= MISSED_AMBER ? "amber" : "calm";
}

const ORDER: Record<AgentPhase, number> = {
  talking: 0,
  on_hold: 0,
  ringing: 1,
  wrap_up: 2,
  available: 3,
  paused: 4,
  unreachable: 5,
  logged_out: 6,
};

/** Those at work first, then by number, so that a tile keeps its place while its state lasts. */
export function sortAgents(agents: Iterable<AgentState>): AgentState[] {
  return [...agents].sort(
    (a, b) => ORDER[a.state] - ORDER[b.state] || a.agent.localeCompare(b.agent),
  );
}

export interface Floor {
  waiting: number;
  /** Seconds that the longest waiting caller has waited; null: nobody waits. */
  longest: number | null;
  talking: number;
  free: number;
  /** Those who are logged in. */
  agents: number;
}

/** The whole floor in five numbers. */
export function floorOf(data: Pick<LiveData, "agents" | "queues">, now: number): Floor {
  const agents = [...data.agents.values()].filter((agent) => agent.state !== "logged_out");
  const queues = [...data.queues.values()];
  const since = queues.flatMap((queue) => queue.longest_since ?? []);
  return {
    waiting: queues.reduce((sum, queue) => sum + queue.waiting.length, 0),
    longest: since.length ? now - Math.min(...since) : null,
    talking: agents.filter((agent) => agent.state === "talking" || agent.state === "on_hold").length,
    free: agents.filter((agent) => agent.state === "available").length,
    agents: agents.length,
  };
}
