// How moods went: the scores of each side of a call, in the order in which they were told.

import type { EventMessage } from "../types";

/** By call and side, oldest first. */
export type Courses = ReadonlyMap<string, readonly number[]>;

const KEPT = 40;

export function courseKey(call: string, role: string): string {
  return `${call} ${role}`;
}

export function withCourse(courses: Courses, event: EventMessage): Courses {
  if (event.type !== "emotion_changed") return courses;
  const key = courseKey(event["call_id"] as string, event["role"] as string);
  const course = [...(courses.get(key) ?? []), event["score"] as number].slice(-KEPT);
  return new Map(courses).set(key, course);
}
