// Complaints' deadlines: what is due next, how long is left, and how urgent that is.

import type { components } from "./openapi";
import type { Tone } from "./people";

type Complaint = components["schemas"]["Complaint"];

/** A deadline is amber from this share of its time on. */
const AMBER_LEFT = 1 / 4;

export interface Due {
  what: "answer" | "close";
  at: number;
  /** Seconds; below zero it has passed. */
  left: number;
  tone: Tone;
}

/** What has to be done next; null where nothing has a deadline any more. */
export function nextDue(complaint: Complaint, now: number): Due | null {
  if (complaint.state === "closed") return null;
  if (complaint.answered_at === null) return due("answer", complaint, complaint.answer_due, now);
  return complaint.close_due === null ? null : due("close", complaint, complaint.close_due, now);
}

/** Both deadlines, the first answer's and the end's, as far as there are any. */
export function allDue(complaint: Complaint, now: number): Due[] {
  const found = [due("answer", complaint, complaint.answer_due, now)];
  if (complaint.close_due !== null) found.push(due("close", complaint, complaint.close_due, now));
  return found;
}

function due(what: Due["what"], complaint: Complaint, at: number, now: number): Due {
  const left = at - now;
  const amber = left < (at - complaint.opened_at) * AMBER_LEFT;
  return { what, at, left, tone: left < 0 ? "red" : amber ? "amber" : "calm" };
}

/** What is left, or has passed, in hours and minutes. */
export function hoursAndMinutes(seconds: number): { h: number; m: number } {
  // A minute that has begun is still left, and has not yet passed: never more urgent than it is.
  const minutes = seconds < 0 ? Math.floor(-seconds / 60) : Math.ceil(seconds / 60);
  return { h: Math.floor(minutes / 60), m: minutes % 60 };
}
